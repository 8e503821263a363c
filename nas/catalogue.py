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
tasks.promise("rating", "nas.training.tasks.rating:RATING")
tasks.promise("multilabel", "nas.training.tasks.multilabel:MULTILABEL")
tasks.promise("regression", "nas.training.tasks.regression:REGRESSION")
tasks.promise("tagging", "nas.training.tasks.tagging:TAGGING")
tasks.promise("transcription", "nas.training.tasks.transcription:TRANSCRIPTION")
tasks.promise("metric_learning", "nas.training.tasks.metric_learning:METRIC_LEARNING")
# with pairs
tasks.promise("retrieval", "nas.training.tasks.retrieval:RETRIEVAL")
# without labels
tasks.promise("matching", "nas.training.tasks.matching:MATCHING")
tasks.promise("masked_tokens", "nas.training.tasks.masked_tokens:MASKED_TOKENS")
tasks.promise("masked_patches", "nas.training.tasks.masked_patches:MASKED_PATCHES")
tasks.promise("simclr", "nas.training.tasks.simclr:SIMCLR")

sources: Registry[LoadSource] = Registry("data source", "nas.sources")
# that need no files
sources.promise("sklearn", "nas.data.builtin:load")
sources.promise("keras", "nas.data.keras_datasets:load")
sources.promise("series", "nas.data.series:load")
sources.promise("babel", "nas.data.language_names:load")
sources.promise("tones", "nas.data.tones:load")
# files and functions of one's own
sources.promise("audio", "nas.data.audio_folder:load")
sources.promise("images", "nas.data.image_folder:load")
sources.promise("manifest", "nas.data.manifest:load")
sources.promise("python", "nas.data.python_function:load")
sources.promise("npz", "nas.data.npz:load")
sources.promise("interactions", "nas.data.interactions:load")

families: Registry[type] = Registry("search space", "nas.spaces")
# image
families.promise("cnn", "search_spaces.image.cnn:CNN")
families.promise("resnet", "search_spaces.image.resnet:ResNet")
families.promise("vit", "search_spaces.image.vit:ViT")
families.promise("mobilenet", "search_spaces.image.mobilenet:MobileNet")
families.promise("convnext", "search_spaces.image.convnext:ConvNeXt")
families.promise("cell", "search_spaces.image.cell:Cell")
# text
families.promise("bag", "search_spaces.text.bag:Bag")
families.promise("text_cnn", "search_spaces.text.text_cnn:TextCNN")
families.promise("text_rnn", "search_spaces.text.text_rnn:TextRNN")
families.promise("text_transformer", "search_spaces.text.text_transformer:TextTransformer")
# audio
families.promise("audio_cnn", "search_spaces.audio.cnn:AudioCNN")
families.promise("crnn", "search_spaces.audio.crnn:CRNN")
families.promise("conformer", "search_spaces.audio.conformer:Conformer")
families.promise("wave_cnn", "search_spaces.audio.wave_cnn:WaveCNN")
# sequence
families.promise("inception_time", "search_spaces.sequence.inception_time:InceptionTime")
families.promise("series_rnn", "search_spaces.sequence.series_rnn:SeriesRNN")
families.promise("series_transformer", "search_spaces.sequence.series_transformer:SeriesTransformer")
families.promise("tcn", "search_spaces.sequence.tcn:TCN")
# vector
families.promise("ft_transformer", "search_spaces.vector.ft_transformer:FTTransformer")
families.promise("mlp", "search_spaces.vector.mlp:MLP")
families.promise("tab_resnet", "search_spaces.vector.tab_resnet:TabResNet")
# recommendation
families.promise("two_tower", "search_spaces.recommendation.two_tower:TwoTower")
families.promise("ranker", "search_spaces.recommendation.ranker:Ranker")
# several inputs
families.promise("fusion", "search_spaces.several.fusion:Fusion")
families.promise("pair", "search_spaces.several.pair:Pair")
# pretrained
families.promise("pretrained_image", "search_spaces.pretrained.image:PretrainedImage")
families.promise("pretrained_text", "search_spaces.pretrained.text:PretrainedText")
