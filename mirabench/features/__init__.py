"""What is seen in a clip: computed once, cached, shared by every metric that asks for it."""

from mirabench.features.api import Extractor, FeatureRef, FeatureTable, Session, feature_identity

__all__ = ["Extractor", "FeatureRef", "FeatureTable", "Session", "feature_identity"]
