_base_ = './heatmap.py'

encoder = dict(
    type='FrameEncoder',
    arch='torchvision.resnet50',
    weights='{{$SKELSEG_WEIGHTS:torchvision}}',
)
dataset = dict(
    ann_file='data/uwiom/annotations.pkl',
    features=dict(heatmap=dict(encoder=encoder)),
)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

val_evaluator = dict(num_classes=17)
test_evaluator = val_evaluator

del encoder, dataset
