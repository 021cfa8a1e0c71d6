import torch.nn as nn
import torch.nn.functional as F


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5), nn.Conv2d(32, 64, 5)
        self.fc1, self.fc2 = nn.Linear(1024, 512), nn.Linear(512, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class CifarCnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = (nn.Conv2d(i, o, 5, padding=2) for i, o in ((3, 32), (32, 32), (32, 64)))
        self.fc = nn.Linear(64 * 4 * 4, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.avg_pool2d(F.relu(self.conv2(x)), 2)
        x = F.avg_pool2d(F.relu(self.conv3(x)), 2)
        return self.fc(x.flatten(1))


class Block(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.shortcut = nn.Sequential()
        if stride != 1 or i != o:
            self.shortcut = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.shortcut(x))


class CifarResNet(nn.Module):
    def __init__(self, widths, depths):
        super().__init__()
        self.stem, self.bn = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0])
        blocks, i = [], widths[0]
        for stage, (w, d) in enumerate(zip(widths, depths)):
            for k in range(d):
                blocks.append(Block(i, w, 2 if stage and k == 0 else 1))
                i = w
        self.blocks, self.fc = nn.Sequential(*blocks), nn.Linear(i, 10)

    def forward(self, x):
        return self.fc(self.blocks(F.relu(self.bn(self.stem(x)))).mean((2, 3)))


class Alexnet(nn.Module):
    """torchvision's alexnet for width=64, hidden=4096."""

    def __init__(self, width, hidden, classes):
        super().__init__()
        conv, pool, w = nn.Conv2d, nn.MaxPool2d, width
        self.features = nn.Sequential(
            conv(3, w, 11, 4, 2), nn.ReLU(), pool(3, 2), conv(w, 3 * w, 5, padding=2), nn.ReLU(), pool(3, 2),
            conv(3 * w, 6 * w, 3, padding=1), nn.ReLU(), conv(6 * w, 4 * w, 3, padding=1), nn.ReLU(),
            conv(4 * w, 4 * w, 3, padding=1), nn.ReLU(), pool(3, 2))
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            nn.Identity(), nn.Linear(36 * 4 * w, hidden), nn.ReLU(), nn.Identity(), nn.Linear(hidden, hidden),
            nn.ReLU(), nn.Linear(hidden, classes))

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class Vgg16(nn.Module):
    """torchvision's vgg16_bn for width=64, hidden=4096."""

    def __init__(self, width, hidden, classes):
        super().__init__()
        layers, i = [], 3
        for convolutions, factor in ((2, 1), (2, 2), (3, 4), (3, 8), (3, 8)):
            for _ in range(convolutions):
                layers += [nn.Conv2d(i, factor * width, 3, padding=1), nn.BatchNorm2d(factor * width), nn.ReLU()]
                i = factor * width
            layers.append(nn.MaxPool2d(2))
        self.features, self.avgpool = nn.Sequential(*layers), nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(49 * i, hidden), nn.ReLU(), nn.Identity(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Identity(),
            nn.Linear(hidden, classes))

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, i, w, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, w, 3, stride, 1, bias=False), nn.BatchNorm2d(w)
        self.conv2, self.bn2 = nn.Conv2d(w, w, 3, 1, 1, bias=False), nn.BatchNorm2d(w)
        self.downsample = downsampling(i, w, stride)

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.downsample(x))


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, i, w, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, w, 1, bias=False), nn.BatchNorm2d(w)
        self.conv2, self.bn2 = nn.Conv2d(w, w, 3, stride, 1, bias=False), nn.BatchNorm2d(w)
        self.conv3, self.bn3 = nn.Conv2d(w, 4 * w, 1, bias=False), nn.BatchNorm2d(4 * w)
        self.downsample = downsampling(i, 4 * w, stride)

    def forward(self, x):
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def downsampling(i, o, stride):
    if stride == 1 and i == o:
        return nn.Sequential()
    return nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))


class ResNet(nn.Module):
    """torchvision's resnet18, resnet34 and resnet50 (v1.5) for width=64."""

    def __init__(self, block, depths, width, classes):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        i = width
        for stage, depth in enumerate(depths):
            blocks = []
            for k in range(depth):
                blocks.append(block(i, width << stage, 2 if stage and k == 0 else 1))
                i = (width << stage) * block.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(i, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3)))


class Relu6(nn.Module):
    """As nn.ReLU6, out of two ReLUs whose inputs torch_parity.py sees."""

    def forward(self, x):
        return 6.0 - F.relu(6.0 - F.relu(x))


def unit(i, o, kernel, stride=1, groups=1):
    return nn.Sequential(nn.Conv2d(i, o, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(o),
                         Relu6())


class InvertedResidual(nn.Module):
    def __init__(self, i, o, stride, expansion):
        super().__init__()
        h = i * expansion
        widening = [unit(i, h, 1)] if expansion != 1 else []
        self.conv = nn.Sequential(*widening, unit(h, h, 3, stride, h), nn.Conv2d(h, o, 1, bias=False), nn.BatchNorm2d(o))
        self.is_residual = stride == 1 and i == o

    def forward(self, x):
        return x + self.conv(x) if self.is_residual else self.conv(x)


class MobileNetV2(nn.Module):
    """torchvision's mobilenet_v2 for width=1; strides of the first convolution and of the second stage may be 1."""

    def __init__(self, width, classes, early_stride=2):
        super().__init__()

        def channels(c):
            rounded = max(8, int(c + 4) // 8 * 8)
            return rounded + 8 if rounded < 0.9 * c else rounded

        i = channels(32 * width)
        layers = [unit(3, i, 3, early_stride)]
        for t, c, n, s in ((1, 16, 1, 1), (6, 24, 2, early_stride), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                           (6, 160, 3, 2), (6, 320, 1, 1)):
            for k in range(n):
                layers.append(InvertedResidual(i, channels(c * width), s if k == 0 else 1, t))
                i = channels(c * width)
        last = channels(1280 * max(width, 1))
        self.features = nn.Sequential(*layers, unit(i, last, 1))
        self.classifier = nn.Sequential(nn.Identity(), nn.Linear(last, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def image_case(arguments, build, batch, image):
    return [f"image={image}", "classes=7", *arguments], batch, lambda: build(7), "real", (3, image, image), 7


def resnet_case(block, depths, width, batch, image):
    return image_case([f"width={width}"], lambda classes: ResNet(block, depths, width, classes), batch, image)


# The deeper, the fewer samples: torch_parity.py looks for inputs that put none of a model's ReLUs next to 0.
def cifar_case(arguments, build, batch):
    return arguments, batch, build, "real", (3, 32, 32), 10


CASES = {
    "alexnet": image_case(["width=8", "hidden=24", "dropout=0"], lambda classes: Alexnet(8, 24, classes), 4, 127),
    "cifar-cnn": cifar_case([], CifarCnn, 8),
    "lenet": ([], 8, LeNet, "real", (1, 28, 28), 10),
    "mobilenetv2": image_case(["width=0.05", "dropout=0"], lambda classes: MobileNetV2(0.05, classes), 4, 64),
    "mobilenetv2-cifar": cifar_case(["width=0.05", "dropout=0"], lambda: MobileNetV2(0.05, 10, early_stride=1), 2),
    "resnet18": resnet_case(BasicBlock, (2, 2, 2, 2), 8, 4, 128),
    "resnet20": cifar_case([], lambda: CifarResNet((16, 32, 64), (3, 3, 3)), 4),
    "resnet34": resnet_case(BasicBlock, (3, 4, 6, 3), 8, 4, 64),
    "resnet34-cifar": cifar_case(["width=8"], lambda: CifarResNet((8, 16, 32, 64), (3, 4, 6, 3)), 4),
    "resnet50": resnet_case(Bottleneck, (3, 4, 6, 3), 4, 2, 96),
    "vgg16": image_case(["width=8", "hidden=24", "dropout=0"], lambda classes: Vgg16(8, 24, classes), 4, 64),
}
