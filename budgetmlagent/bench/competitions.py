"""The competitions of MLE-bench that are one table, and how each is graded (openai/mle-bench, each one's grade.py)."""

from dataclasses import dataclass

HIGHER = {
    "accuracy": True, "auc": True, "log_loss": False, "qwk": True, "rmse": False, "rmsle": False, "same_text": True,
}  # fmt: skip


@dataclass(frozen=True)
class Graded:
    """How a competition is graded: column by column of the sample submission, the mean over the columns."""

    metric: str
    id: str = ""  # the column that tells the rows apart; "": the sample's first
    targets: tuple[str, ...] = ()  # (): all others
    chances: bool = True  # of AUC: a value that is no probability is refused
    sample: str = ""  # the sample submission in prepared/public, where it is none of the usual names


COMPETITIONS = {
    "aerial-cactus-identification": Graded("auc"),
    "aptos2019-blindness-detection": Graded("qwk"),
    "denoising-dirty-documents": Graded("rmse"),
    "detecting-insults-in-social-commentary": Graded("auc", id="Comment", targets=("Insult",)),
    "dog-breed-identification": Graded("log_loss"),
    "dogs-vs-cats-redux-kernels-edition": Graded("log_loss"),
    "histopathologic-cancer-detection": Graded("auc"),
    "jigsaw-toxic-comment-classification-challenge": Graded("auc", chances=False),
    "leaf-classification": Graded("log_loss"),
    "mlsp-2013-birds": Graded("auc"),
    "new-york-city-taxi-fare-prediction": Graded("rmse"),
    "nomad2018-predict-transparent-conductors": Graded("rmsle"),
    "plant-pathology-2020-fgvc7": Graded("auc", chances=False),
    "random-acts-of-pizza": Graded("auc"),
    "ranzcr-clip-catheter-line-classification": Graded("auc"),
    "siim-isic-melanoma-classification": Graded("auc"),
    "spaceship-titanic": Graded("accuracy"),
    "spooky-author-identification": Graded("log_loss"),
    "tabular-playground-series-dec-2021": Graded("accuracy"),
    "tabular-playground-series-may-2022": Graded("auc"),
    "text-normalization-challenge-english-language": Graded(
        "same_text", sample="en_sample_submission_2.csv.zip"
    ),
    "text-normalization-challenge-russian-language": Graded(
        "same_text", sample="ru_sample_submission_2.csv.zip"
    ),
    "the-icml-2013-whale-challenge-right-whale-redux": Graded("auc"),
}
