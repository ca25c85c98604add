"""When a commit runs in production, as some marker says: one file a kind of marker, and all of them together."""

from signals.deploys.all_markers import AllMarkers
from signals.deploys.forge_record import ForgeMarkers, KeepsDeployments
from signals.deploys.merges import MergeMarkers
from signals.deploys.metric import BuildInfoMarkers, ImageMarkers, TagBook, tag_of
from signals.deploys.showing import Showing
from signals.deploys.told import ToldDeploys, ToldMarkers

__all__ = [
    "AllMarkers",
    "BuildInfoMarkers",
    "ForgeMarkers",
    "ImageMarkers",
    "KeepsDeployments",
    "MergeMarkers",
    "Showing",
    "TagBook",
    "ToldDeploys",
    "ToldMarkers",
    "tag_of",
]
