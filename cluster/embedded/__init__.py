"""The embedded Kubernetes: one supervised process tree in namespaces of its own. Imports cluster.tools and cluster.images."""
