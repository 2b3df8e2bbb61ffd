"""The CrossGuard pack `substrate`: known mistakes in serving language models, refused whoever wrote the resource."""
