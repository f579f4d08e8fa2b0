package io.octavo.engine.solve;

import io.octavo.engine.modify.Gptq;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.solve.scale.TileScales;
import io.octavo.engine.solve.scale.WeightFormat;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.util.List;
import java.util.Optional;

/**
 * Solves the weights of Linears that read one input, from the second moments of that.
 *
 * <p>Rows of a weight are solved some at a time. The same moments and weights give the same codes on the same backend, whatever
 * the number of threads.
 */
public final class InputSolver implements AutoCloseable {

    /** F32 bytes of a weight solved at once: as many rows as keep a device busy, where there is one. */
    private static final long BLOCK_BYTES = 64 << 20;

    private static final long DEVICE_BLOCK_BYTES = 1 << 30;

    private final Gptq settings;
    private final JobMonitor monitor;
    private final SolverInput input;

    /**
     * What became of a weight.
     *
     * @param plainLoss mean squared error of the Linear's output, all features added, by plain rounding; beside what can be
     *     reached with these inputs
     * @param loss the same of {@code weight}
     * @param solved whether it is more than rounded: nothing was better than plain rounding
     */
    public record Result(SolvedWeight weight, double plainLoss, double loss, boolean solved) {}

    public InputSolver(Backend backend, Stream stream, JobMonitor monitor, Gptq settings, InputMoments seen) {
        this.settings = settings;
        this.monitor = monitor;
        this.input = new SolverInput(backend, stream, monitor, settings, seen);
    }

    /** What it took for the factorization to succeed, as a share of the mean diagonal; empty if nothing was enough. */
    public Optional<Double> dampening() {
        return input.factor().map(HessianFactor::dampening);
    }

    /** @param absmax the largest magnitude of the weight and of all that share its scale */
    public Result solve(SolvableWeight weight, float absmax) {
        WeightFormat format = weight.format(absmax);
        var plain = new Codes(weight, format);
        var solved = new Codes(weight, format);
        boolean solvable = input.factor().isPresent();
        double plainLoss = 0;
        double loss = 0;
        int step = blockRows(weight, format, input.backend().computeCapability() > 0);
        for (int from = 0; from < weight.outFeatures(); from += step) {
            monitor.checkpoint();
            int to = Math.min(from + step, weight.outFeatures());
            try (var block =
                    new RowBlock(input, format, weight.codes(), weight.rows().read(from, to))) {
                block.round();
                block.correct();
                plainLoss += block.loss();
                plain.put(block, from);
                if (solvable) {
                    block.chooseScales(settings.searchScales());
                    block.sweep();
                    loss += settings.refine() ? block.refine() : block.loss();
                    solved.put(block, from);
                }
            }
        }
        boolean better = solvable && loss < plainLoss;
        return new Result((better ? solved : plain).weight(), plainLoss, better ? loss : plainLoss, better);
    }

    /**
     * Memory of the backend that solving takes, at most, beside the sums.
     *
     * @param readers of one input
     * @param paired whether the original model's input is known
     */
    public static long deviceBytes(List<SolvableWeight> readers, boolean paired, boolean gpu) {
        int columns = readers.getFirst().inFeatures();
        long block = readers.stream()
                .mapToLong(weight -> {
                    WeightFormat format = weight.format(0);
                    return RowBlock.bytes(format, weight.codes(), blockRows(weight, format, gpu), paired, gpu);
                })
                .max()
                .orElseThrow();
        return SolverInput.bytes(columns, paired)
                + Math.max(block, paired ? InputCorrection.makingBytes(columns, gpu) : 0);
    }

    /** The same of the host: numbers on their way and codes both rounded and solved. What was solved before is not counted. */
    public static long hostBytes(List<SolvableWeight> readers, boolean gpu) {
        return readers.stream()
                .mapToLong(weight -> Matrix.bytes(
                                DType.F32, blockRows(weight, weight.format(0), gpu), weight.inFeatures())
                        + 2 * weight.codeBytes())
                .max()
                .orElseThrow();
    }

    /** Whole tiles; where one scale is for all rows, it was found before. */
    private static int blockRows(SolvableWeight weight, WeightFormat format, boolean gpu) {
        int unit = format.tileRows() == Integer.MAX_VALUE ? 1 : format.tileRows();
        long bytes = gpu ? DEVICE_BLOCK_BYTES : BLOCK_BYTES;
        long rows = Math.max(bytes / ((long) weight.inFeatures() * Float.BYTES), 1);
        return (int) Math.min(Math.max(rows / unit, 1) * unit, weight.outFeatures());
    }

    /** A whole weight's codes and scales, as blocks of rows fill them in. */
    private static final class Codes {

        private final SolvableWeight weight;
        private final WeightFormat format;
        private final byte[] codes;
        private final TileScales scales;

        Codes(SolvableWeight weight, WeightFormat format) {
            this.weight = weight;
            this.format = format;
            this.codes = new byte[Math.toIntExact(weight.codeBytes())];
            float[] whole = new float[format.tilesDown(weight.outFeatures()) * format.groups()];
            this.scales = new TileScales(whole, new byte[weight.quantization().symmetric() ? 0 : whole.length]);
        }

        private static long rowBytes(SolvableWeight weight) {
            return weight.codes().rowBytes(weight.inFeatures());
        }

        void put(RowBlock block, int firstRow) {
            block.readCodes(codes, Math.toIntExact(firstRow * rowBytes(weight)));
            scales.put(block.tileScales(), firstRow / format.tileRows() * format.groups());
        }

        SolvedWeight weight() {
            return new SolvedWeight(format, weight.codes(), weight.outFeatures(), codes, scales);
        }
    }

    @Override
    public void close() {
        input.close();
    }
}
