"""Kubernetes objects as the rules see them, whoever wrote them."""
