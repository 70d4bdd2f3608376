"""The data briefing: what `budgetmlagent/inside/briefing` prints of a task's files, as nodes, cases and prompts read it.

Values are what JSON has: numbers that are not finite are null. `load`, `write`, `score` and `decide` are lines of a
script. A column is named by a text, or by a number where the table has no header.
"""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

Column = str | int
Better = Literal["max", "min"]


class File(TypedDict):
    """One file of the task."""

    name: str  # relative to the task's folder
    bytes: int
    what: str  # as its ending says: table, compressed, lines of JSON, JSON, arrays, array, text, script, binary, other


class Metric(TypedDict, total=False):
    """How the task is scored; `code` and what follows only where the starter has a function of its own for it."""

    name: str  # as in `inside/briefing/metrics.py`; "" where unknown, "error" for wrong labels where less is better
    direction: Better
    code: str  # source of the function
    function: str  # its name
    swap: bool  # it takes the predictions first
    needs: list[str]  # its imports


class Shape(TypedDict):
    """One array of a submission."""

    shape: list[int]
    dtype: str


class Submission(TypedDict, total=False):
    """The baseline's submission, empty where it left none; by its form, some of the keys after `rows`."""

    file: str
    rows: int
    columns: list[str]
    nameless: (
        int  # columns of a table whose first row does not name them; it has none of the keys about columns
    )
    dtypes: dict[str, str]
    ranges: dict[str, list[float | None]]  # least and greatest value of each column of numbers
    arrays: dict[str, Shape]  # by their keys; one without a key has ""
    json: str  # type of the value
    keys: list[str]
    lines: int


class Statistics(TypedDict, total=False):
    """Figures of one column, those after `missing` by its kind; none of them is a row."""

    dtype: str
    unique: int
    missing: float  # share of the rows
    min: float | None
    max: float | None
    mean: float | None
    median: float | None
    words: float  # in a cell, on average
    length: float


class Split(TypedDict):
    """How the test rows differ from the training rows, and so how to hold rows out."""

    how: Literal["random", "group", "last", "last_in_group"]
    by: Column | None  # the column that names groups
    time: Column | None
    folds: int  # fifths of the rows to hold out in turn


class _Boolean(TypedDict, total=False):
    boolean: bool  # of a classification: the labels are true and false, submitted as 1 and 0


class Table(_Boolean):
    """Tables whose whole way to the submission is understood."""

    load: list[str]  # makes `train` and `test`
    rows_train: int
    rows_test: int
    targets: list[Column]
    submission_targets: list[str]  # the submission's column of each target
    keys: list[list[str]]  # [column of the submission, expression of its values]
    id: str  # the first of these columns, "" where there is none
    order: str  # column by which the submission is put into the order of `sample`, "" where it is in order
    sample: str  # expression that reads the sample submission, or ""
    class_columns: list[str]  # submission columns, one a class, in the order of the sorted classes
    numeric: list[Column]
    coded: list[Column]  # numbers written as text
    categorical: list[Column]
    text: list[Column]
    dates: list[Column]
    drop: list[Column]  # constant, or mere names of the rows
    features: list[Column]  # all the columns to learn from
    unused: list[Column]  # other columns of the test rows
    all_used: bool
    many: list[Column]  # categorical, with many values
    encode: list[Column]  # worth replacing by the mean target of each value
    missing: bool
    columns: dict[str, Statistics]
    split: Split
    group: Column | None
    group_time: Column | None  # by it each group's test rows come after its training rows
    tokens: Column | None  # the column of words, where the rows are the words of sentences
    ratings: list[Column] | None  # [user, item], where the rows are ratings
    problem: Literal["classification", "regression"]
    output: Literal["label", "probability", "probabilities", "value"]
    classes: int  # 0 for a regression
    integer_target: bool
    binary: bool
    multi_label: bool
    smallest: int  # rows of the rarest value of the target
    minimum: float | None  # of the targets, where they are numbers
    skewed: bool
    width: int  # features without texts
    characters: int  # of all texts
    outputs: int  # numbers that a model gives for each row


class Scored(TypedDict, total=False):
    """The metric that scripts about data other than tables measure themselves by."""

    metric: str
    best: Better
    score: str  # defines `score(y, prediction)`
    score_import: str  # the import that it needs


class Predicted(Scored, total=False):
    """What is predicted; which keys there are depends on it."""

    task: Literal["classification", "regression", "multi_label", "multi_output", "segmentation"]
    predicts: Literal["class", "probability", "probabilities", "value", "labels", "mask"]
    decide: str  # makes a matrix `T` (rows, outputs) of y, and `decide`, which turns predictions into what is submitted
    classes: int
    pixels: Literal["pixel_binary", "pixel_class", "pixel_value"]
    top: float  # the greatest value in masks
    expand: bool  # masks are submitted with a last axis of 1


class Arrays(Predicted, total=False):
    """Arrays of inputs and labels."""

    load: str  # makes X, y, X_test in the standard shape of `form`, and `valid` (places in X) where `valid`
    write: str  # writes `prediction`
    imports: str
    valid: bool  # the data bring validation rows
    rows: int
    test_rows: int
    form: Literal["image", "signal", "matrix", "sparse"]
    columns: int  # of matrices, sparse matrices and flat pictures
    height: int  # of images, as width
    width: int
    channels: int  # of images and signals
    steps: int  # of signals


class Graph(Predicted, total=False):
    """One graph whose nodes carry labels."""

    load: str  # makes adjacency, X (None without features), known, y, test, and `valid` (places in known) where `valid`
    write: str
    valid: bool
    nodes: int
    known: int  # nodes with a label
    features: int


class Pointers(Scored):
    """Many small graphs or lists; a pointer or a class for each node, or pair of nodes."""

    load: str  # makes `instances`, (inputs, answer), and `tests`, inputs
    write: str
    form: Literal["nodes", "pairs"]
    size: int  # nodes of a test instance
    pointing: bool  # the answers are nodes, not classes
    values: list[int]  # the different answers, 50 at most
    count: int


class Language(TypedDict):
    """A text to learn from, and beginnings whose next symbol is predicted."""

    load: str  # makes `stream` (numbers of symbols) and `contexts` (a list of such arrays)
    write: str
    answer: str  # makes `prediction` of `P`, a distribution a row
    unit: Literal["accuracy", "log_loss", "bits"]
    symbols: Literal["characters", "words", "tokens"]
    length: int  # symbols to learn from
    size: int  # different symbols
    rows: int


class Tagging(Scored):
    """Sequences of tokens, a label for each."""

    load: str  # makes tokens, tags, test_tokens, lists of lists
    write: str  # writes `answers`, a list of lists
    labels: int
    total: int  # tokens
    words: bool  # tokens are words, not single characters or numbers


class Series(Scored):
    """One or several time series to be continued."""

    load: str  # makes `train` and `test`
    write: str
    when: str
    keys: list[str]  # columns that name a series
    target: str
    extras: list[str]  # columns known beforehand
    dated: bool
    times: int  # steps known
    horizon: int  # steps to predict
    rows: int
    count: int  # series
    positive: bool


class Machine(TypedDict):
    """What scripts run with."""

    python: str
    libraries: list[
        str
    ]  # those for numbers and learning that are installed, "NAME VERSION", the likely ones first
    cores: int
    gpu: NotRequired[bool]  # whether they may use one
    network: NotRequired[bool]


class Briefing(TypedDict, total=False):
    """The whole briefing; empty before the baseline has run. Below `samples`, what the data are: mostly one key."""

    kinds: list[str]  # cases are chosen by them
    files: list[File]
    metric: Metric
    direction: Better
    submission: Submission
    summary: str
    problems: list[str]  # what could not be read
    samples: list[list[dict[str, Any]]]  # rows, only where the task allows to show them
    contents: list[str]  # what each file holds, a line a file: figures and no row
    rows: list[str]  # the first rows of each table in a line, only where the task allows to show them
    machine: Machine
    table: Table
    arrays: Arrays
    graph: Graph
    pointers: Pointers
    language: Language
    tagging: Tagging
    series: Series
    told: list[dict[str, Any]]  # what models said of the tables, the newest last; absent where none was asked
    untrue: str  # why the newest of it does not hold; absent where it does
    signature: str  # of the task by the briefing before: what other runs of it have learned is found by that
