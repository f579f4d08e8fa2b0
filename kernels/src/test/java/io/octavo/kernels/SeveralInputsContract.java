package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.ScaleFormat;
import io.octavo.kernels.quantization.CodeRefinement;
import io.octavo.kernels.quantization.GptqSweep;
import io.octavo.kernels.quantization.QuantizeTiles.Tile;
import io.octavo.kernels.quantization.ScaleSearch;
import java.util.Arrays;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Weights of several inputs below each other get the bits that each gets alone. */
abstract class SeveralInputsContract extends BackendContract {

    private static final int INPUTS = 3;
    private static final int ROWS = 140;
    private static final int COLUMNS = 264;
    private static final int GROUP = 48;
    private static final int GROUPS = Math.ceilDiv(COLUMNS, GROUP);

    private final float[] weights = gaussian(random(1), INPUTS * ROWS * COLUMNS, 1);
    private final float[] squares = squares(random(2));
    private final float[] scales = new float[INPUTS * ROWS * GROUPS];
    private final float[] zeroPoints = new float[scales.length];

    SeveralInputsContract(IntFunction<Backend> open) {
        super(open);
        RandomGenerator random = random(3);
        for (int i = 0; i < scales.length; i++) {
            scales[i] = ScaleFormat.BF16.nearest(random.nextFloat(0.2f, 0.4f));
            zeroPoints[i] = random.nextInt(-2, 3);
        }
    }

    /** Symmetric, each with a diagonal that outweighs the rest, and a size of its own. */
    private static float[] squares(RandomGenerator random) {
        float[] squares = new float[INPUTS * COLUMNS * COLUMNS];
        for (int at = 0; at < squares.length; at++) {
            int input = at / COLUMNS / COLUMNS;
            int i = at / COLUMNS % COLUMNS;
            int j = at % COLUMNS;
            squares[at] = i == j
                    ? 1 + input
                    : i < j ? (float) (random.nextGaussian() * 0.02) : squares[(input * COLUMNS + j) * COLUMNS + i];
        }
        return squares;
    }

    /** Part of what belongs to all inputs. */
    private static float[] of(float[] all, int first, int count) {
        int each = all.length / INPUTS;
        return Arrays.copyOfRange(all, first * each, (first + count) * each);
    }

    /** Some of the inputs' operands, and what came out. */
    private final class Part {

        final int first;
        final int count;
        final CodeFormat format;
        final Matrix codes;
        final Matrix losses;

        Part(int first, int count, CodeFormat format) {
            this.first = first;
            this.count = count;
            this.format = format;
            this.codes = output(DType.U8, (long) count * ROWS, format.rowBytes(COLUMNS));
            this.losses = output(DType.F32, 1, (long) count * ROWS);
        }

        Matrix weights() {
            return input(DType.BF16, (long) count * ROWS, COLUMNS, of(weights, first, count));
        }

        Matrix squares() {
            return input(DType.F32, (long) count * COLUMNS, COLUMNS, of(squares, first, count));
        }

        Matrix scales() {
            return inOut((long) count * ROWS, GROUPS, of(scales, first, count));
        }

        @Nullable Matrix zeroPoints() {
            return format.isInteger()
                    ? input(DType.I8, (long) count * ROWS, GROUPS, of(zeroPoints, first, count))
                    : null;
        }

        void sweep() {
            int[] order = new int[count * COLUMNS];
            Arrays.setAll(order, i -> (i % COLUMNS * 5 + i / COLUMNS + first) % COLUMNS);
            backend.operations()
                    .gptqSweep()
                    .quantize(
                            new GptqSweep.Arguments(
                                    weights(),
                                    squares(),
                                    intMatrix(count, COLUMNS, order),
                                    format,
                                    scales(),
                                    zeroPoints(),
                                    GROUP,
                                    codes,
                                    losses),
                            stream);
        }

        /** @return the scales afterwards */
        float[] refine(int groupColumns) {
            codes.buffer().fill((byte) 0x22, stream);
            guard(codes);
            int groups = Math.ceilDiv(COLUMNS, groupColumns);
            float[] before = new float[count * ROWS * groups];
            for (int i = 0; i < before.length; i++) {
                before[i] = scales[(first * ROWS * groups + i) % scales.length];
            }
            Matrix changed = inOut((long) count * ROWS, groups, before);
            backend.operations()
                    .codeRefinement()
                    .refine(
                            new CodeRefinement.Arguments(
                                    weights(),
                                    squares(),
                                    format,
                                    new Tile(1, groupColumns),
                                    ScaleFormat.BF16,
                                    1,
                                    changed,
                                    null,
                                    codes,
                                    4,
                                    losses),
                            stream);
            return floats(changed);
        }

        /** @return the scales */
        float[] search(Tile tile) {
            float[] importance = new float[count * COLUMNS];
            for (int i = 0; i < importance.length; i++) {
                importance[i] = 1 + (i + first * COLUMNS) % 7;
            }
            long groups = Math.ceilDiv(COLUMNS, tile.columns());
            Matrix found = output(DType.F32, count * Math.ceilDiv(ROWS, tile.rows()), groups);
            backend.operations()
                    .scaleSearch()
                    .search(
                            new ScaleSearch.Arguments(
                                    weights(),
                                    input(DType.F32, count, COLUMNS, importance),
                                    format,
                                    tile,
                                    0,
                                    format.highest(),
                                    ScaleFormat.BF16,
                                    1,
                                    new ScaleSearch.Reach(32, 16, 8, 4),
                                    found,
                                    null,
                                    codes),
                            stream);
            return floats(found);
        }
    }

    /** Gives what one call makes of a part: numbers beside codes and losses. */
    private interface Work {
        float[] on(Part part);
    }

    private void assertAsEachAlone(CodeFormat format, boolean loses, Work work) {
        var all = new Part(0, INPUTS, format);
        float[] numbers = work.on(all);
        for (int i = 0; i < INPUTS; i++) {
            var alone = new Part(i, 1, format);
            assertThat(of(numbers, i, 1)).as("numbers of input %d", i).isEqualTo(work.on(alone));
            int each = (int) all.codes.bytes() / INPUTS;
            assertThat(Arrays.copyOfRange(bytes(all.codes), i * each, (i + 1) * each))
                    .as("codes of input %d", i)
                    .isEqualTo(bytes(alone.codes));
            if (loses) {
                assertThat(of(floats(all.losses), i, 1))
                        .as("losses of input %d", i)
                        .isEqualTo(floats(alone.losses));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void areSweptAsEachAlone(CodeFormat format) {
        assertAsEachAlone(format, true, part -> {
            part.sweep();
            return new float[part.count];
        });
    }

    /** Groups within a block of columns, and groups that are wider. */
    @ParameterizedTest
    @CsvSource({"INT4_OFFSET,48", "INT4_OFFSET,264", "INT8_OFFSET,132", "E4M3,264", "E2M1,32"})
    void areRefinedAsEachAlone(CodeFormat format, int groupColumns) {
        assertAsEachAlone(format, true, part -> part.refine(groupColumns));
    }

    @ParameterizedTest
    @CsvSource({"INT4_OFFSET,1,48", "INT8,1,264", "E4M3,20,66", "E2M1,1,32"})
    void findTheScalesThatEachFindsAlone(CodeFormat format, int tileRows, int tileColumns) {
        assertAsEachAlone(format, false, part -> part.search(new Tile(tileRows, tileColumns)));
    }

    @Test
    void momentsAreMirroredAndArrangedAsEachAlone() {
        float[] numbers = gaussian(random(7), squares.length, 1);
        Matrix sums = inOut((long) INPUTS * COLUMNS, COLUMNS, numbers);
        int[] order = new int[INPUTS * COLUMNS];
        Arrays.setAll(order, i -> (i % COLUMNS * 5 + i / COLUMNS) % COLUMNS);
        Matrix arranged = output(DType.F32, sums.rows(), COLUMNS);
        Matrix diagonal = output(DType.F32, INPUTS, COLUMNS);
        Matrix shares = inOut(INPUTS, 2, 1, 0.5f, 2, 0, 0, 3);
        backend.operations().secondMoments().mirror(sums, stream);
        backend.operations().secondMoments().arrange(sums, intMatrix(INPUTS, COLUMNS, order), shares, arranged, stream);
        backend.operations().secondMoments().diagonal(sums, diagonal, stream);
        float[] mirrored = floats(sums);
        float[] moved = floats(arranged);
        for (int input = 0; input < INPUTS; input++) {
            int top = input * COLUMNS;
            for (int i = 0; i < COLUMNS; i++) {
                assertThat(floats(diagonal)[top + i]).isEqualTo(numbers[(top + i) * COLUMNS + i]);
                for (int j = 0; j < COLUMNS; j++) {
                    float above = numbers[(top + Math.min(i, j)) * COLUMNS + Math.max(i, j)];
                    assertThat(mirrored[(top + i) * COLUMNS + j]).isEqualTo(above);
                    float from = mirrored[(top + order[top + i]) * COLUMNS + order[top + j]];
                    float share = input == 0 ? 1 : input == 1 ? 2 : 0;
                    float added = input == 0 ? 0.5f : input == 1 ? 0 : 3;
                    assertThat(moved[(top + i) * COLUMNS + j]).isEqualTo(from * share + (i == j ? added : 0));
                }
            }
        }
    }

    /** Of a group, its own rows, in whichever order the device adds them; an empty group stays as it was. */
    @ParameterizedTest
    @CsvSource({"1", "33", "40", "264"})
    void groupsAddProductsOfTheirOwnRows(int columns) {
        int[] starts = {0, 70, 70, 71, 150};
        RandomGenerator random = random(columns);
        Matrix x = input(DType.BF16, 150, columns, gaussian(random, 150 * columns, 2));
        float[] before = gaussian(random, 4 * columns * columns, 3);
        Matrix sums = inOut(4L * columns, columns, before);
        Matrix counts = output(DType.I32, 1, 4);
        counts.buffer().fill((byte) 0, stream);
        guard(counts);
        for (int time = 0; time < 2; time++) {
            backend.operations().secondMoments().accumulateGroups(x, ints(starts), sums, counts, stream);
        }
        float[] values = floats(x);
        float[] actual = floats(sums);
        for (int group = 0; group < 4; group++) {
            int tokens = starts[group + 1] - starts[group];
            float[] own = new float[2 * tokens * columns];
            for (int i = 0; i < own.length; i++) {
                own[i] = values[starts[group] * columns + i % Math.max(tokens * columns, 1)];
            }
            for (int i = 0; i < columns; i++) {
                for (int j = i; j < columns; j++) {
                    int at = (group * columns + i) * columns + j;
                    SecondMomentsContract.check(own, 2 * tokens, columns, i, j, before[at], actual[at]);
                }
            }
        }
        assertThat(readInts(counts)).containsExactly(140, 0, 2, 158);
    }

    @Test
    void rejectsInputsThatDoNotShareOutTheRows() {
        Matrix sums = inOut(4, 2, new float[8]);
        Matrix x = input(DType.BF16, 3, 2, new float[6]);
        Matrix counts = output(DType.I32, 1, 2);
        Matrix three = output(DType.I32, 1, 3);
        assertThatThrownBy(() ->
                        backend.operations().secondMoments().accumulateGroups(x, ints(0, 3), sums, counts, stream))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() ->
                        backend.operations().secondMoments().accumulateGroups(x, ints(0, 1, 2, 3), sums, three, stream))
                .isInstanceOf(IllegalArgumentException.class);
        Matrix odd = inOut(3, 2, new float[6]);
        Matrix codes = output(DType.U8, 3, 2);
        Matrix losses = output(DType.F32, 1, 3);
        Matrix ones = inOut(3, 1, 1, 1, 1);
        assertThatThrownBy(
                        () -> new GptqSweep.Arguments(odd, sums, null, CodeFormat.INT8, ones, null, 2, codes, losses))
                .isInstanceOf(IllegalArgumentException.class);
        Matrix even = inOut(6, 2, new float[12]);
        assertThatThrownBy(() -> new CodeRefinement.Arguments(
                        even,
                        sums,
                        CodeFormat.INT8,
                        new Tile(2, 2),
                        ScaleFormat.F32,
                        1,
                        inOut(3, 1, 1, 1, 1),
                        null,
                        output(DType.U8, 6, 2),
                        1,
                        output(DType.F32, 1, 6)))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
