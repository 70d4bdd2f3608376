"""A linear model on weighted words and pairs of words."""

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

train = pd.read_csv("train.csv")
test = pd.read_csv("test.csv")
X, y = train["text"], train["field"]

model = make_pipeline(TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)), LinearSVC(C=0.5))
print("validation accuracy", round(cross_val_score(model, X, y, cv=3).mean(), 4))

submission = pd.DataFrame({"id": test["id"], "field": model.fit(X, y).predict(test["text"])})
submission.to_csv("submission.csv", index=False)
