_base_ = './heatmap_cnn.py'

dataset = dict(ann_file='data/precog/annotations.pkl')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader

model = dict(num_classes=9)
val_evaluator = dict(num_classes=9)
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=77)

del dataset
