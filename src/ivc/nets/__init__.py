"""Networks in the codec: exact integer networks, float networks, and where their weights live.

    network      what an exact network is        node, convolution, layers   its parts
    proof        why it cannot overflow          reference                   its definition in NumPy
    runtime      the fast path, ONNX Runtime     graph, onnxfile             its ONNX graph
    torch/       train one, run one in PyTorch   export, files, store        models on disk

Float networks (``floats``) may only paint pixels that nothing later in a stream depends on;
whatever entropy decoding needs goes through an exact network.
"""
