module substrate/toolchain/knative-serving

go 1.26.0

require knative.dev/serving v0.51.0
