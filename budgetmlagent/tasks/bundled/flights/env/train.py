"""Starter: a linear regression on the numeric columns."""

import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

train = pd.read_csv("train.csv")
test = pd.read_csv("test.csv")
X, y = train.drop(columns=["id", "air_time"]).select_dtypes("number"), train["air_time"]
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)

model = make_pipeline(SimpleImputer(), LinearRegression())
model.fit(X_train, y_train)
print("validation mae", round(mean_absolute_error(y_valid, model.predict(X_valid)), 4))

submission = pd.DataFrame({"id": test["id"], "air_time": model.predict(test[X.columns])})
submission.to_csv("submission.csv", index=False)
