"""Starter: a decision tree on counts of the most frequent words."""

import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

train = pd.read_csv("train.csv")
test = pd.read_csv("test.csv")
X, y = train["text"], train["field"]
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)

model = make_pipeline(CountVectorizer(max_features=500), DecisionTreeClassifier(max_depth=30, random_state=0))
model.fit(X_train, y_train)
print("validation accuracy", round(model.score(X_valid, y_valid), 4))

submission = pd.DataFrame({"id": test["id"], "field": model.predict(test["text"])})
submission.to_csv("submission.csv", index=False)
