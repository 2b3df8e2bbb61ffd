"""What text-generation-launcher accepts, as documented. Imports nothing."""

RELEASE = "3.3.7"
DATE = "2026-11-24"
SOURCE = (
    "docs/source/reference/launcher.md; --prometheus-port and --graceful-termination-timeout came after the copy that "
    "could be read here (runtimes.md 2.2, pull request 3126)"
)
HOW_TO_LIST = "text-generation-launcher --help"
JOINED = True
UNDERSCORES = False
DOTTED = False
OPTIONS = """
--model-id VALUE
--revision VALUE
--validation-workers VALUE
--sharded {true,false}
--num-shard VALUE
--quantize {awq,compressed-tensors,eetq,exl2,gptq,marlin,bitsandbytes,bitsandbytes-nf4,bitsandbytes-fp4,fp8}
--speculate VALUE
--dtype {float16,bfloat16}
--kv-cache-dtype {fp8_e4m3fn,fp8_e5m2}
--trust-remote-code
--max-concurrent-requests VALUE
--max-best-of VALUE
--max-stop-sequences VALUE
--max-top-n-tokens VALUE
--max-input-tokens VALUE
--max-input-length VALUE
--max-total-tokens VALUE
--waiting-served-ratio VALUE
--max-batch-prefill-tokens VALUE
--max-batch-total-tokens VALUE
--max-waiting-tokens VALUE
--max-batch-size VALUE
--cuda-graphs VALUE
--hostname VALUE
-p --port VALUE
--prometheus-port VALUE
--shard-uds-path VALUE
--master-addr VALUE
--master-port VALUE
--huggingface-hub-cache VALUE
--weights-cache-override VALUE
--disable-custom-kernels
--cuda-memory-fraction VALUE
--rope-scaling {linear,dynamic}
--rope-factor VALUE
--json-output
--otlp-endpoint VALUE
--otlp-service-name VALUE
--cors-allow-origin VALUE
--api-key VALUE
--watermark-gamma VALUE
--watermark-delta VALUE
--ngrok
--ngrok-authtoken VALUE
--ngrok-edge VALUE
--tokenizer-config-path VALUE
--disable-grammar-support
-e --env
--max-client-batch-size VALUE
--lora-adapters VALUE
--usage-stats {on,off,no-stack}
--payload-limit VALUE
--enable-prefill-logprobs
--graceful-termination-timeout VALUE
-h --help
-V --version
"""
