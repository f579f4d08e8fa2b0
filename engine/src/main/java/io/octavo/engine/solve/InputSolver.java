package io.octavo.engine.solve;

import io.octavo.engine.modify.Gptq;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.solve.scale.TileScales;
import io.octavo.engine.solve.scale.WeightFormat;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.CodeFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Solves the weights of Linears that read one input, from the second moments of that; or those of several inputs at once, where
 * they are alike, as experts are.
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
    public Optional<Double> dampening(int of) {
        return input.factor().flatMap(factor -> factor.dampening().get(of));
    }

    /**
     * How many inputs are solved at once, so that a block of rows has all of their weights.
     *
     * @param readers of each of several inputs
     * @return 1 if they are not alike
     */
    public static int atOnce(List<List<SolvableWeight>> readers, boolean gpu) {
        List<SolvableWeight> first = readers.getFirst();
        WeightFormat format = first.getFirst().format(0);
        boolean alike = readers.stream()
                .allMatch(own -> own.size() == first.size()
                        && rows(own) == rows(first)
                        && own.stream().allMatch(weight -> weight.sharing().isEmpty())
                        && areAlike(own, format, first.getFirst().codes(), Map.of()));
        return alike ? Math.clamp(mostRows(format, gpu) / Math.max(rows(first), 1), 1, readers.size()) : 1;
    }

    /**
     * Those of every input.
     *
     * @param weights by input, as many as {@link #atOnce} allows
     */
    public List<Result> solveAll(List<List<SolvableWeight>> weights, Map<List<String>, Float> absmaxes) {
        List<SolvableWeight> all = weights.stream().flatMap(List::stream).toList();
        boolean gpu = input.backend().computeCapability() > 0;
        return weights.size() == 1 ? solve(all, absmaxes) : solve(all, format(all.getFirst(), absmaxes), gpu);
    }

    /**
     * Those that are stored alike are solved at once, as rows of one weight: that keeps a device busier, and rows know nothing of
     * each other.
     *
     * @param weights that read the input
     * @param absmaxes the largest magnitude of all weights that share a scale, by those
     * @return in the order of the weights
     */
    public List<Result> solve(List<SolvableWeight> weights, Map<List<String>, Float> absmaxes) {
        var results = new ArrayList<Result>();
        boolean gpu = input.backend().computeCapability() > 0;
        for (int first = 0; first < weights.size(); ) {
            WeightFormat format = format(weights.get(first), absmaxes);
            int end = first + 1;
            while (end < weights.size() && fit(weights.subList(first, end + 1), format, absmaxes, gpu)) {
                end++;
            }
            results.addAll(solve(weights.subList(first, end), format, gpu));
            first = end;
        }
        return results;
    }

    private static WeightFormat format(SolvableWeight weight, Map<List<String>, Float> absmaxes) {
        return weight.format(absmaxes.getOrDefault(weight.sharing(), 0f));
    }

    /** Whether several weights are one block of rows. */
    private static boolean fit(
            List<SolvableWeight> weights, WeightFormat format, Map<List<String>, Float> absmaxes, boolean gpu) {
        return rows(weights) <= mostRows(format, gpu)
                && areAlike(weights, format, weights.getFirst().codes(), absmaxes);
    }

    private static boolean areAlike(
            List<SolvableWeight> weights, WeightFormat format, CodeFormat codes, Map<List<String>, Float> absmaxes) {
        return weights.stream()
                .allMatch(weight -> format(weight, absmaxes).equals(format)
                        && weight.codes().equals(codes)
                        && weight.outFeatures() % format.tileRows() == 0);
    }

    private static int rows(List<SolvableWeight> weights) {
        return weights.stream().mapToInt(SolvableWeight::outFeatures).sum();
    }

    /** @param weights one, or several that are one block of rows: as many of each input */
    private List<Result> solve(List<SolvableWeight> weights, WeightFormat format, boolean gpu) {
        var all = new Joined(weights, format, solvable(weights.size()));
        int step = mostRows(format, gpu);
        for (int from = 0; from < all.rows; from += step) {
            monitor.checkpoint();
            int to = Math.min(from + step, all.rows);
            try (var block = new RowBlock(input, format, weights.getFirst().codes(), all.spans(from, to))) {
                block.round();
                block.correct();
                all.plain.put(block, from, block.losses());
                if (input.factor().isPresent()) {
                    block.chooseScales(settings.searchScales());
                    block.sweep();
                    all.solved.put(block, from, settings.refine() ? block.refine() : block.losses());
                }
            }
        }
        return all.results();
    }

    /** Whether the input of each weight has a factor. */
    private List<Boolean> solvable(int weights) {
        return IntStream.range(0, weights)
                .mapToObj(i -> dampening(i * input.inputs() / weights).isPresent())
                .toList();
    }

    /**
     * Memory of the backend that solving takes, at most, beside the sums.
     *
     * @param readers of one input
     * @param inputs that are solved at once
     * @param paired whether the original model's input is known
     */
    public static long deviceBytes(List<SolvableWeight> readers, int inputs, boolean paired, boolean gpu) {
        int columns = readers.getFirst().inFeatures();
        SolvableWeight first = readers.getFirst();
        int rows = inputs * blockRows(readers, gpu);
        long block = RowBlock.bytes(first.format(0), first.codes(), rows, paired, gpu);
        return SolverInput.bytes(columns, inputs, paired)
                + Math.max(block, paired ? InputCorrection.makingBytes(columns, gpu) : 0);
    }

    /** The same of the host: numbers on their way and codes both rounded and solved. What was solved before is not counted. */
    public static long hostBytes(List<SolvableWeight> readers, int inputs, boolean gpu) {
        SolvableWeight first = readers.getFirst();
        long codes = readers.stream().mapToLong(SolvableWeight::codeBytes).sum();
        return Matrix.bytes(first.dtype(), blockRows(readers, gpu), first.inFeatures()) + 2L * inputs * codes;
    }

    /** Of the largest block. */
    private static int blockRows(List<SolvableWeight> readers, boolean gpu) {
        WeightFormat format = readers.getFirst().format(0);
        return Math.min(mostRows(format, gpu), rows(readers));
    }

    /** Of a block. */
    private static int mostRows(WeightFormat format, boolean gpu) {
        int unit = format.tileRows() == Integer.MAX_VALUE ? 1 : format.tileRows();
        long bytes = gpu ? DEVICE_BLOCK_BYTES : BLOCK_BYTES;
        long rows = Math.max(bytes / ((long) format.inFeatures() * Float.BYTES), 1);
        return Math.toIntExact(Math.max(rows / unit, 1) * unit);
    }

    /** Weights one below the other. */
    private static final class Joined {

        private final List<SolvableWeight> weights;
        private final List<Boolean> solvable;
        private final int rows;
        private final Codes plain;
        private final Codes solved;

        Joined(List<SolvableWeight> weights, WeightFormat format, List<Boolean> solvable) {
            this.weights = weights;
            this.solvable = solvable;
            this.rows = rows(weights);
            CodeFormat codes = weights.getFirst().codes();
            this.plain = new Codes(format, codes, rows);
            this.solved = new Codes(format, codes, rows);
        }

        /** Of a single weight, or all of several. */
        List<RowBlock.Span> spans(int from, int to) {
            return weights.size() == 1
                    ? List.of(new RowBlock.Span(weights.getFirst(), from, to))
                    : weights.stream()
                            .map(weight -> new RowBlock.Span(weight, 0, weight.outFeatures()))
                            .toList();
        }

        List<Result> results() {
            var results = new ArrayList<Result>();
            int from = 0;
            for (int i = 0; i < weights.size(); i++) {
                int to = from + weights.get(i).outFeatures();
                double plainLoss = plain.loss(from, to);
                double loss = solvable.get(i) ? solved.loss(from, to) : Double.POSITIVE_INFINITY;
                boolean better = loss < plainLoss;
                SolvedWeight found = (better ? solved : plain).weight(from, to);
                results.add(new Result(found, plainLoss, better ? loss : plainLoss, better));
                from = to;
            }
            return results;
        }
    }

    /** Codes and scales of whole weights, as blocks of rows fill them in, and each row's loss. */
    private static final class Codes {

        private final WeightFormat format;
        private final CodeFormat stored;
        private final int rowBytes;
        private final byte[] codes;
        private final TileScales scales;
        private final float[] losses;

        Codes(WeightFormat format, CodeFormat stored, int rows) {
            this.format = format;
            this.stored = stored;
            this.rowBytes = Math.toIntExact(stored.rowBytes(format.inFeatures()));
            this.codes = new byte[Math.multiplyExact(rows, rowBytes)];
            float[] whole = new float[format.tilesDown(rows) * format.groups()];
            this.scales = new TileScales(whole, new byte[format.quantization().symmetric() ? 0 : whole.length]);
            this.losses = new float[rows];
        }

        void put(RowBlock block, int firstRow, float[] rowLosses) {
            block.readCodes(codes, firstRow * rowBytes);
            scales.put(block.tileScales(), tile(firstRow));
            System.arraycopy(rowLosses, 0, losses, firstRow, rowLosses.length);
        }

        private int tile(int row) {
            return row / format.tileRows() * format.groups();
        }

        double loss(int from, int to) {
            double loss = 0;
            for (int row = from; row < to; row++) {
                loss += losses[row];
            }
            return loss;
        }

        SolvedWeight weight(int from, int to) {
            if (from == 0 && to == losses.length) {
                return new SolvedWeight(format, stored, to, codes, scales);
            }
            byte[] own = Arrays.copyOfRange(codes, from * rowBytes, to * rowBytes);
            return new SolvedWeight(format, stored, to - from, own, scales.tiles(tile(from), tile(to)));
        }
    }

    @Override
    public void close() {
        input.close();
    }
}
