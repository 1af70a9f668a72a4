_base_ = './heatmap.py'

encoder = dict(type='GridEncoder')
dataset = dict(
    ann_file='data/toy/annotations.pkl',
    features=dict(heatmap=dict(encoder=encoder)),
)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

val_evaluator = dict(num_classes=12)
test_evaluator = val_evaluator

del encoder, dataset
