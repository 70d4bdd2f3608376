"""Starter: a decision tree on the raw pixels."""

import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

train = pd.read_csv("train.csv")
test = pd.read_csv("test.csv")
X, y = train.drop(columns=["id", "label"]), train["label"]
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)

model = DecisionTreeClassifier(random_state=0)
model.fit(X_train, y_train)
print("validation accuracy", round(model.score(X_valid, y_valid), 4))

submission = pd.DataFrame({"id": test["id"], "label": model.predict(test[X.columns])})
submission.to_csv("submission.csv", index=False)
