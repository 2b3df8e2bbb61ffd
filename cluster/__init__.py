"""The tools, images and embedded Kubernetes that Substrate runs on; imports nothing of the other rooms."""
