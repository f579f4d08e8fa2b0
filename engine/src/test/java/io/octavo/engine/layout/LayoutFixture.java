package io.octavo.engine.layout;

import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.layout.codec.LayoutWriter;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.StoredNumbers;
import io.octavo.engine.safetensors.TensorSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;

/** Writes given modules through a layout's own writer, with the chance to spoil what it wrote. */
public final class LayoutFixture {

    private final LayoutWriter writer;
    private final List<QuantizedLinear> linears;
    private final CheckpointFixture checkpoint = new CheckpointFixture();
    private final Map<String, byte[]> bytes = new HashMap<>();
    private String config =
            "{\"architectures\": [\"LlamaForCausalLM\"], \"dtype\": \"bfloat16\"," + " \"num_hidden_layers\": 1}";
    private UnaryOperator<String> quantizationConfig = UnaryOperator.identity();

    public LayoutFixture(Layout layout, StoredNumbers numbers, QuantizedLinear... linears) {
        this.writer = LayoutWriters.of(layout, numbers);
        this.linears = List.of(linears);
        this.linears.forEach(linear -> {
            writer.tensors(linear).forEach(this::allocate);
            writer.write(linear, this::put);
        });
        writer.kvCacheTensors().forEach(this::allocate);
        writer.writeKvCache(this::put);
    }

    private void allocate(TensorSpec spec) {
        byte[] target = new byte[(int) spec.byteSize()];
        bytes.put(spec.name(), target);
        checkpoint.with(spec.name(), spec.dtype(), spec.shape(), target);
    }

    private void put(String tensor, long offset, ByteBuffer source) {
        source.get(bytes(tensor), (int) offset, source.remaining());
    }

    /** A written tensor's bytes, to be read or spoilt. */
    public byte[] bytes(String tensor) {
        return Objects.requireNonNull(bytes.get(tensor), tensor);
    }

    public CheckpointFixture checkpoint() {
        return checkpoint;
    }

    public LayoutFixture config(String json) {
        config = json;
        return this;
    }

    /** Changes the text of the quantization config. */
    public LayoutFixture spoil(String from, String to) {
        UnaryOperator<String> before = quantizationConfig;
        quantizationConfig = text -> {
            String spoilt = before.apply(text).replace(from, to);
            if (spoilt.equals(text)) {
                throw new IllegalArgumentException("there is no " + from + " in " + text);
            }
            return spoilt;
        };
        return this;
    }

    public Path write(Path folder) throws IOException {
        String quantization = quantizationConfig.apply(writer.config(false).toString());
        var node =
                ConfigJson.parse(quantization.getBytes(StandardCharsets.UTF_8)).tree();
        ConfigJson whole =
                ConfigJson.parse(config.getBytes(StandardCharsets.UTF_8)).withQuantizationConfig(node);
        checkpoint.config(new String(whole.bytes(), StandardCharsets.UTF_8)).write(folder);
        for (var file : writer.files().entrySet()) {
            Files.writeString(folder.resolve(file.getKey()), file.getValue().toString());
        }
        return folder;
    }
}
