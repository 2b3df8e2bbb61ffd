module substrate/toolchain/kuberay

go 1.27.0

require github.com/ray-project/kuberay/ray-operator v1.5.0
