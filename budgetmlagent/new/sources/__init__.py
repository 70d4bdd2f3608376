"""Whatever a person has as one table: text, spreadsheets, parquet, JSON, a folder as Kaggle lays it out, databases."""
