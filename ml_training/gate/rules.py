"""The thresholds of the quality gate, in one place. docs/research/never-worse.md has the measurements."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class GateRules:
    """What holds a version back. Shares and chances are between 0 and 1."""

    # Comparing answers for the same photos, photo by photo (`judge`).
    loss_chance: float = 0.001  # of taking noise for a loss
    min_lost: int = 3  # photos lost on balance
    min_share_lost: float = 0.01  # of all photos compared
    min_share_lost_of_product: float = 0.2  # of one product's photos compared

    # Earlier active versions that a new one is measured by as well (`baselines`).
    max_baselines: int = 50  # versions
    min_size_ratio: float = 2 / 3  # photos of the smaller version to those of the larger

    # New photos, shown to versions that have not learned them (`evidence`, `new_data`).
    min_new_photos: int = 3  # of a product, and as many that the version knows
    # How many times as probable as their own product another one is, and in what share of answers the first.
    contradicted: tuple[float, float] = (4, 0.5)
    surely_contradicted: tuple[float, float] = (30, 0.9)
    # Share of products whose good photos are contradicted all the same; taken elsewhere: 0.029 and 0.0008.
    contradicted_by_chance: dict[str, float] = field(
        default_factory=lambda: {"products": 0.025, "sure": 0.001}
    )
    contradiction_chance: float = 0.1  # of holding good photos back

    # A product that takes another one's photos away (`new_data`).
    min_taken: int = 3  # photos
    min_share_taken: float = 0.5  # of those that were right
    takeover_by_chance: float = 0.01  # share of products that do so after right photos came; measured: 0.005

    # Photos that became copies of others of the same product (`new_data`).
    min_copies: int = 10  # more than before
    min_share_copies: float = 0.5  # of the product's photos

    # Photos that look like another product, among those that came lately (`mislabelled`).
    usual_mislabelled: float = (
        0.03  # share of good photos that look so, measured; the shop's own where higher
    )
    min_mislabelled: int = 3  # photos
    min_share_mislabelled: float = 0.1  # beyond the usual share
    mislabelled_chance: float = 0.001  # of taking good photos for mislabelled ones


RULES = GateRules()
