"""Every name a study file may use, and where the thing behind it lives.

Nothing here is imported until it is asked for: a study file is checked, and `nas spaces` answers, without
loading Keras or Optuna. A new sampler, task or family is a new file and one line on this page; a package of
your own adds its names by the entry points named below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nas.registry import Registry

if TYPE_CHECKING:
    from nas.data.source import LoadSource
    from nas.search.pruners import MakePruner
    from nas.search.samplers import MakeSampler
    from nas.search.strategies import Strategy
    from nas.training.tasks.task import Task

samplers: Registry[MakeSampler] = Registry("sampler", "nas.samplers")
samplers.promise("random", "nas.search.samplers:random")
samplers.promise("tpe", "nas.search.samplers:tpe")
samplers.promise("nsga2", "nas.search.samplers:nsga2")
samplers.promise("qmc", "nas.search.samplers:qmc")

pruners: Registry[MakePruner] = Registry("pruner", "nas.pruners")
pruners.promise("none", "nas.search.pruners:none")
pruners.promise("median", "nas.search.pruners:median")
pruners.promise("asha", "nas.search.pruners:asha")
pruners.promise("hyperband", "nas.search.pruners:hyperband")
pruners.promise("patient", "nas.search.pruners:patient")

strategies: Registry[Strategy] = Registry("strategy", "nas.strategies")
strategies.promise("auto", "nas.search.strategies:AUTO")
strategies.promise("random", "nas.search.strategies:RANDOM")
strategies.promise("tpe", "nas.search.strategies:TPE")
strategies.promise("evolution", "nas.search.strategies:EVOLUTION")
strategies.promise("nsga2", "nas.search.strategies:EVOLUTION")
strategies.promise("qmc", "nas.search.strategies:QMC")

tasks: Registry[Task] = Registry("task", "nas.tasks")
# with labels
tasks.promise("classification", "nas.training.tasks.classification:CLASSIFICATION")

sources: Registry[LoadSource] = Registry("data source", "nas.sources")
# that need no files
sources.promise("sklearn", "nas.data.builtin:load")
sources.promise("keras", "nas.data.keras_datasets:load")
sources.promise("babel", "nas.data.language_names:load")
# files and functions of one's own
sources.promise("npz", "nas.data.npz:load")

families: Registry[type] = Registry("search space", "nas.spaces")
# image
families.promise("cnn", "search_spaces.image.cnn:CNN")
families.promise("resnet", "search_spaces.image.resnet:ResNet")
families.promise("vit", "search_spaces.image.vit:ViT")
# text
families.promise("bag", "search_spaces.text.bag:Bag")
families.promise("text_cnn", "search_spaces.text.text_cnn:TextCNN")
families.promise("text_rnn", "search_spaces.text.text_rnn:TextRNN")
families.promise("text_transformer", "search_spaces.text.text_transformer:TextTransformer")
# vector
families.promise("mlp", "search_spaces.vector.mlp:MLP")
