package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostSequences;
import io.octavo.kernels.internal.host.HostStream;

final class ScalarAttention implements Attention {

    @Override
    public void attend(Arguments arguments, Stream stream) {
        HostStream.require(stream);
        HostSequences sequences = HostSequences.of(
                arguments.batch(),
                arguments.parameters().layout(),
                arguments.q().rows());
        var heads = new Heads(
                HostMatrix.of(arguments.q()),
                Cache.of(arguments.keys()),
                Cache.of(arguments.values()),
                sequences,
                arguments.parameters(),
                HostMatrix.of(arguments.out()));
        for (int sequence = 0; sequence < sequences.count(); sequence++) {
            for (int row = sequences.queryStart(sequence); row < sequences.queryStart(sequence + 1); row++) {
                for (int head = 0; head < arguments.parameters().heads(); head++) {
                    heads.attend(sequence, row, head);
                }
            }
        }
    }

    private record Cache(HostMatrix numbers, KvScales scales) {

        static Cache of(KvCacheTensor tensor) {
            return new Cache(HostMatrix.of(tensor.numbers()), KvScales.of(tensor));
        }

        float get(long row, int kvHead, long column) {
            return numbers.get(row, column) * scales.get(row, kvHead);
        }
    }

    private record Heads(
            HostMatrix q, Cache keys, Cache values, HostSequences sequences, Parameters parameters, HostMatrix out) {

        private void attend(int sequence, int row, int head) {
            int last = sequences.position(sequence, row);
            int first = Math.max(0, last - parameters.window() + 1);
            double[] weights = softmax(scores(sequence, row, head, first, last));
            int headDim = parameters.layout().headDim();
            for (int i = 0; i < headDim; i++) {
                double sum = 0;
                for (int position = first; position <= last; position++) {
                    sum += weights[position - first] * values.get(cacheRow(sequence, position, head), kvHead(head), i);
                }
                out.set(row, (long) head * headDim + i, (float) sum);
            }
        }

        private double[] scores(int sequence, int row, int head, int first, int last) {
            double[] scores = new double[last - first + 1];
            int headDim = parameters.layout().headDim();
            for (int position = first; position <= last; position++) {
                double dot = 0;
                for (int i = 0; i < headDim; i++) {
                    double query = q.get(row, (long) head * headDim + i);
                    dot += query * keys.get(cacheRow(sequence, position, head), kvHead(head), i);
                }
                double score = dot * parameters.scale();
                double cap = parameters.softcap();
                scores[position - first] = cap == 0 ? score : cap * Math.tanh(score / cap);
            }
            return scores;
        }

        private long cacheRow(int sequence, int position, int head) {
            KvCacheLayout layout = parameters.layout();
            return layout.row(sequences.slot(sequence, position), kvHead(head));
        }

        private int kvHead(int head) {
            return head / (parameters.heads() / parameters.layout().kvHeads());
        }

        private static double[] softmax(double[] scores) {
            double max = Double.NEGATIVE_INFINITY;
            for (double score : scores) {
                max = Math.max(max, score);
            }
            double sum = 0;
            for (int i = 0; i < scores.length; i++) {
                scores[i] = Math.exp(scores[i] - max);
                sum += scores[i];
            }
            for (int i = 0; i < scores.length; i++) {
                scores[i] /= sum;
            }
            return scores;
        }
    }
}
