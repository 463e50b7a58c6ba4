"""Trains small tree models of every kind with their own libraries and writes what these predict.

    python tools/models/make_test_forests.py tests/data/fil

wants xgboost-cpu, lightgbm and treelite of tools/setup/versions.env, and scikit-learn 1.9.1.
OUT/NAME.{json,ubj,txt,tl} are the models; OUT/NAME.rows and OUT/NAME.values are float32, one row a
line: inputs, of which some are missing (but for scikit-learn), and predictions. They are checked
in, so that the tests need none of it. Seeded: the same versions write the same files.
"""
import argparse
import pathlib

import lightgbm
import numpy as np
import treelite
import xgboost
from sklearn import ensemble

FEATURES = 6


class Data:
    """Rows to train on, with a target for every kind of model."""

    def __init__(self, rows):
        random = np.random.default_rng(3)
        self.x = random.standard_normal((rows, FEATURES)).astype(np.float32)
        score = self.x[:, 0] + self.x[:, 1] * self.x[:, 2] + 0.5 * np.abs(self.x[:, 3])
        self.targets = (3 * score + random.standard_normal(rows) * 0.1).astype(np.float32)
        self.classes = np.digitize(score, np.quantile(score, [1 / 3, 2 / 3]))
        self.binary = (score > np.median(score)).astype(int)
        self.holes = np.where(random.random(self.x.shape) < 0.05, np.float32("nan"), self.x)
        self.categories = self.holes.copy()
        self.categories[:, 4] = random.integers(0, 5, rows)
        self.by_category = self.targets + 4 * (self.categories[:, 4] % 2)


def write_rows(path, rows):
    rows = np.asarray(rows, np.float32).reshape(len(rows), -1)
    path.write_text("".join(" ".join(map(str, row)) + "\n" for row in rows.tolist()))


class Writer:
    def __init__(self, folder, trees, shown):
        self.folder, self.trees, self.shown = folder, trees, shown

    def write(self, name, rows, predict):
        rows = rows[:self.shown]
        write_rows(self.folder / f"{name}.rows", rows)
        write_rows(self.folder / f"{name}.values", predict(rows))

    def xgboost(self, name, rows, labels, endings=("json",), types=None, **parameters):
        matrix = xgboost.DMatrix(rows, labels, feature_types=types,
                                 enable_categorical=types is not None)
        booster = xgboost.train({"max_depth": 3, "nthread": 1, "seed": 1, **parameters}, matrix,
                                self.trees)
        for ending in endings:
            booster.save_model(self.folder / f"{name}.{ending}")

        def predict(x):
            return booster.predict(xgboost.DMatrix(x, feature_types=types,
                                                   enable_categorical=types is not None))
        self.write(name, rows, predict)

    def lightgbm(self, name, rows, labels, categorical=(), **parameters):
        data = lightgbm.Dataset(rows, labels, categorical_feature=list(categorical))
        booster = lightgbm.train(
            {"num_leaves": 7, "min_data_in_leaf": 5, "verbose": -1, "num_threads": 1, "seed": 1,
             "deterministic": True, **parameters}, data, self.trees)
        booster.save_model(self.folder / f"{name}.txt")
        self.write(name, rows, lambda x: booster.predict(x, num_threads=1))

    def sklearn(self, name, estimator, rows, labels, predict):
        estimator.set_params(n_estimators=self.trees, random_state=1).fit(rows, labels)
        treelite.sklearn.import_model(estimator).serialize(self.folder / f"{name}.tl")
        self.write(name, rows, getattr(estimator, predict))


def write_xgboost(writer, data):
    writer.xgboost("xgb_binary", data.holes, data.binary, ("json", "ubj"),
                   objective="binary:logistic")
    writer.xgboost("xgb_multi", data.holes, data.classes, objective="multi:softprob", num_class=3)
    writer.xgboost("xgb_softmax", data.holes, data.classes, objective="multi:softmax",
                   num_class=3)
    writer.xgboost("xgb_regression", data.holes, data.targets, objective="reg:squarederror")
    writer.xgboost("xgb_dart", data.holes, data.targets, booster="dart", rate_drop=0.2)
    writer.xgboost("xgb_linear", data.x, data.targets, booster="gblinear", updater="coord_descent")
    writer.xgboost("xgb_categorical", data.categories, data.by_category,
                   types=["q", "q", "q", "q", "c", "q"], max_cat_to_onehot=1)


def write_lightgbm(writer, data):
    writer.lightgbm("lgb_binary", data.holes, data.binary, objective="binary")
    writer.lightgbm("lgb_multi", data.holes, data.classes, objective="multiclass", num_class=3)
    writer.lightgbm("lgb_regression", data.holes, data.targets, objective="regression")
    writer.lightgbm("lgb_linear", data.x, data.targets, objective="regression", linear_tree=True)
    writer.lightgbm("lgb_categorical", data.categories, data.by_category, categorical=[4],
                    objective="regression", min_data_per_group=5, cat_smooth=1.0)


def write_sklearn(writer, data):
    small = {"max_depth": 3}
    writer.sklearn("skl_forest_binary", ensemble.RandomForestClassifier(**small), data.x,
                   data.binary, "predict_proba")
    writer.sklearn("skl_forest_multi", ensemble.RandomForestClassifier(**small), data.x,
                   data.classes, "predict_proba")
    writer.sklearn("skl_forest_regression", ensemble.RandomForestRegressor(**small), data.x,
                   data.targets, "predict")
    writer.sklearn("skl_extra_multi", ensemble.ExtraTreesClassifier(**small), data.x, data.classes,
                   "predict_proba")
    writer.sklearn("skl_extra_regression", ensemble.ExtraTreesRegressor(**small), data.x,
                   data.targets, "predict")
    writer.sklearn("skl_boosting_multi", ensemble.GradientBoostingClassifier(**small), data.x,
                   data.classes, "predict_proba")
    writer.sklearn("skl_boosting_regression", ensemble.GradientBoostingRegressor(**small), data.x,
                   data.targets, "predict")
    writer.sklearn("skl_isolation", ensemble.IsolationForest(max_samples=32), data.x, None,
                   "score_samples")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--trees", type=int, default=3)
    parser.add_argument("--rows", type=int, default=20, help="that are predicted")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    data = Data(max(400, arguments.rows))
    writer = Writer(arguments.out, arguments.trees, arguments.rows)
    write_xgboost(writer, data)
    write_lightgbm(writer, data)
    write_sklearn(writer, data)


if __name__ == "__main__":
    main()
