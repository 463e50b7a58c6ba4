# parameter weight 1024 1024
# parameter bias 1024
def forward(self, x):
    return torch.matmul(x, self.weight) + self.bias
