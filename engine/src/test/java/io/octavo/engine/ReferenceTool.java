package io.octavo.engine;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.Float4;
import io.octavo.kernels.number.Float8;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.IntUnaryOperator;
import tools.jackson.databind.JsonNode;

/**
 * Rounding to nearest as llm-compressor does it: in bf16 at every step, which is what makes its codes differ from Octavo's.
 * Tells the stored bytes of a tensor; shown right by their digests (see {@link GoldenCheckpoints}).
 */
final class ReferenceTool {

    private final Checkpoint source;
    private final JsonNode tensors;
    private final String format;
    private final JsonNode scheme;

    ReferenceTool(Checkpoint source, JsonNode manifest) {
        this.source = source;
        this.tensors = manifest.path("tensors");
        JsonNode group = manifest.at("/quantization_config/config_groups/group_0");
        this.format = group.path("format").stringValue();
        this.scheme = group.path("weights");
    }

    byte[] bytes(String tensor) {
        JsonNode stored = tensors.path(tensor);
        int dot = tensor.lastIndexOf('.');
        String module = tensor.substring(0, dot);
        String kind = tensor.substring(dot + 1);
        if (stored.has("value")) {
            float value = stored.path("value").floatValue();
            return stored.path("dtype").stringValue().equals("BF16")
                    ? little(2).putShort(BFloat16.fromFloat(value)).array()
                    : little(4).putFloat(value).array();
        }
        boolean quantized = tensors.has(module + ".weight_scale");
        return quantized
                ? new Weight(module).bytes(kind)
                : source.tensor(tensor).segment().toArray(ValueLayout.JAVA_BYTE);
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static float bf16(double value) {
        return BFloat16.toFloat(BFloat16.fromFloat((float) value));
    }

    /** One module's weight, group by group. */
    private final class Weight {

        private final String module;
        private final float[] weights;
        private final int rows;
        private final int columns;
        /** Weights that share a scale, in the order in which they lie. */
        private final int groupSize;

        Weight(String module) {
            this.module = module;
            this.weights = floats(module);
            List<Long> shape = source.tensor(module + ".weight").shape();
            rows = shape.getFirst().intValue();
            columns = shape.getLast().intValue();
            groupSize = switch (scheme.path("strategy").stringValue()) {
                case "tensor" -> rows * columns;
                case "channel" -> columns;
                default -> scheme.path("group_size").intValue();
            };
        }

        private static float[] floats(short[] bits) {
            float[] values = new float[bits.length];
            for (int i = 0; i < bits.length; i++) {
                values[i] = BFloat16.toFloat(bits[i]);
            }
            return values;
        }

        private float[] floats(String name) {
            return floats(source.tensor(name + ".weight").segment().toArray(ValueLayout.JAVA_SHORT_UNALIGNED));
        }

        byte[] bytes(String kind) {
            return switch (kind) {
                case "weight_shape" -> little(16).putLong(rows).putLong(columns).array();
                case "weight_global_scale" -> little(4).putFloat(globalScale()).array();
                case "weight_scale" -> scales();
                case "weight_zero_point" -> packedZeroPoints();
                case "weight" -> codes();
                case "weight_packed" -> format.equals("pack-quantized") ? packedIntegers() : packedFloats();
                default -> throw new AssertionError(kind);
            };
        }

        private int groups() {
            return weights.length / groupSize;
        }

        private boolean asymmetric() {
            return !scheme.path("symmetric").booleanValue();
        }

        private float least(int group) {
            float least = 0;
            for (int i = group * groupSize; i < (group + 1) * groupSize; i++) {
                least = Math.min(least, weights[i]);
            }
            return least;
        }

        private float largest(int group) {
            float largest = 0;
            for (int i = group * groupSize; i < (group + 1) * groupSize; i++) {
                largest = Math.max(largest, weights[i]);
            }
            return largest;
        }

        private float absmax(int group) {
            return Math.max(-least(group), largest(group));
        }

        private int bits() {
            return scheme.path("num_bits").intValue();
        }

        /** Of the integers and FP8: a bf16 number. */
        private float scale(int group) {
            if (format.equals("float-quantized")) {
                return bf16(absmax(group) / 448);
            }
            return asymmetric()
                    ? bf16(bf16(largest(group) - least(group)) / 15)
                    : bf16(absmax(group) / (bits() == 8 ? 127.5f : 7.5f));
        }

        private int zeroPoint(int group) {
            return asymmetric() ? Math.clamp((long) Math.rint(bf16(-8 - bf16(least(group) / scale(group)))), -8, 7) : 0;
        }

        /** NVFP4's: one for the parts that loaders fuse. PyTorch divides a number by a tensor through its reciprocal. */
        private float globalScale() {
            String parent = module.substring(0, module.lastIndexOf('.') + 1);
            float absmax = 0;
            for (String part : fused(module.substring(parent.length()))) {
                for (float weight : floats(parent + part)) {
                    absmax = Math.max(absmax, Math.abs(weight));
                }
            }
            return bf16(2688 * bf16(1 / absmax));
        }

        private static List<String> fused(String part) {
            return switch (part) {
                case "q_proj", "k_proj", "v_proj" -> List.of("q_proj", "k_proj", "v_proj");
                case "gate_proj", "up_proj" -> List.of("gate_proj", "up_proj");
                default -> List.of(part);
            };
        }

        private byte[] scales() {
            ByteBuffer bytes = little(groups() * 2);
            float global = format.equals("nvfp4-pack-quantized") ? globalScale() : 0;
            for (int group = 0; group < groups(); group++) {
                switch (format) {
                    case "nvfp4-pack-quantized" -> bytes.put(e4m3Scale(group, global));
                    case "mxfp4-pack-quantized" -> bytes.put((byte) exponent(group));
                    default -> bytes.putShort(BFloat16.fromFloat(scale(group)));
                }
            }
            byte[] result = new byte[bytes.position()];
            bytes.flip().get(result);
            return result;
        }

        private byte e4m3Scale(int group, float global) {
            return Float8.toE4m3(global * bf16(absmax(group) / 6));
        }

        /** Biased, of the largest magnitude rounded to E2M1's mantissa, less its largest exponent. */
        private int exponent(int group) {
            int bits = (BFloat16.fromFloat(absmax(group)) & 0x7FFF) + 0x20;
            return (bits >> 7) - 2;
        }

        private byte[] codes() {
            boolean floats = format.equals("float-quantized");
            byte[] codes = new byte[weights.length];
            int at = 0;
            for (int group = 0; group < groups(); group++) {
                float scale = scale(group);
                for (int i = 0; i < groupSize; i++, at++) {
                    float quotient = bf16(weights[at] / scale);
                    codes[at] = floats ? Float8.toE4m3(quotient) : (byte) Math.rint(Math.clamp(quotient, -128f, 127f));
                }
            }
            return codes;
        }

        /** Codes from 0 in I32 along the columns, the first in the lowest bits. */
        private byte[] packedIntegers() {
            int[] codes = new int[weights.length];
            int at = 0;
            int half = 1 << (bits() - 1);
            for (int group = 0; group < groups(); group++) {
                float scale = scale(group);
                int zeroPoint = zeroPoint(group);
                for (int i = 0; i < groupSize; i++, at++) {
                    float shifted = bf16(bf16(weights[at] / scale) + zeroPoint);
                    codes[at] = half + (int) Math.rint(Math.clamp(shifted, -half, half - 1f));
                }
            }
            return packed(codes.length, i -> codes[i]);
        }

        /** Along the rows: eight rows in an I32. */
        private byte[] packedZeroPoints() {
            int across = columns / groupSize;
            return packed(rows * across, i -> {
                int row = i / 8 / across * 8 + i % 8;
                return 8 + zeroPoint(row * across + i / 8 % across);
            });
        }

        private byte[] packed(int count, IntUnaryOperator code) {
            int each = 32 / bits();
            byte[] packed = new byte[count / each * 4];
            ByteBuffer bytes = ByteBuffer.wrap(packed).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < count; i += each) {
                int word = 0;
                for (int j = 0; j < each; j++) {
                    word |= code.applyAsInt(i + j) << (bits() * j);
                }
                bytes.putInt(word);
            }
            return packed;
        }

        /** Two E2M1 codes in a byte, the first in the low half. */
        private byte[] packedFloats() {
            byte[] bytes = new byte[weights.length / 2];
            boolean nvfp4 = format.equals("nvfp4-pack-quantized");
            float global = nvfp4 ? globalScale() : 0;
            for (int group = 0; group < groups(); group++) {
                float scale = nvfp4
                        ? Float8.fromE4m3(e4m3Scale(group, global)) / global
                        : Math.scalb(1f, exponent(group) - 127);
                for (int at = group * groupSize; at < (group + 1) * groupSize; at++) {
                    float quotient = weights[at] / scale;
                    int code = Float4.toE2m1(quotient == 0 ? 0 : quotient) & 15;
                    bytes[at / 2] |= (byte) (code << (at % 2 * 4));
                }
            }
            return bytes;
        }
    }
}
