"""A support vector machine on the raw pixels."""

import pandas as pd
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

train = pd.read_csv("train.csv")
test = pd.read_csv("test.csv")
X, y = train.drop(columns=["id", "label"]), train["label"]

model = SVC(C=10, gamma=0.001)
print("validation accuracy", round(cross_val_score(model, X, y, cv=3).mean(), 4))

submission = pd.DataFrame({"id": test["id"], "label": model.fit(X, y).predict(test[X.columns])})
submission.to_csv("submission.csv", index=False)
