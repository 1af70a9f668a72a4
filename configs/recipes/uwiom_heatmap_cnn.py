_base_ = './heatmap_cnn.py'

dataset = dict(ann_file='data/uwiom/annotations.pkl')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

model = dict(num_classes=17)
val_evaluator = dict(num_classes=17)
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=120)

del dataset
