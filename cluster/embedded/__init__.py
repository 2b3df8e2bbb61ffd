"""The embedded Kubernetes: one supervised process tree in namespaces of its own.

Imports cluster.tools, cluster.images and cluster.pulumi_host.
"""
