"""The components of every cluster, by topic, and what a component is."""
