package io.octavo.kernels.internal.vector.attention;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostSequences;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.internal.vector.product.MicroKernel;
import java.util.ArrayList;
import java.util.List;

/**
 * Attention as a stream of small matrix products, with the softmax kept as a running maximum and sum (Milakov and
 * Gimelshein, arXiv:1805.02867).
 *
 * <p>A piece of work is one key head of one sequence and a run of the query rows that use it, where a row is one query
 * token of one of the query heads that share the key head. Each page of keys and values is converted and transposed
 * once for the whole run.
 */
public final class VectorAttention implements Attention {

    /** Query rows whose state one piece keeps. */
    private static final int MAX_ROWS = 64 * MicroKernel.ROWS;

    private final WorkerPool workers;

    public VectorAttention(WorkerPool workers) {
        this.workers = workers;
    }

    /** The rows {@code [firstRow, endRow)} of one key head; row r is query token {@code r / group}. */
    private record Piece(int sequence, int kvHead, int firstRow, int endRow) {}

    @Override
    public void attend(Arguments arguments, Stream stream) {
        HostStream.require(stream);
        HostSequences sequences = HostSequences.of(
                arguments.batch(),
                arguments.parameters().layout(),
                arguments.q().rows());
        var operands = new AttentionPiece.Operands(
                Native.address(arguments.q()),
                AttentionPiece.Cache.of(arguments.keys()),
                AttentionPiece.Cache.of(arguments.values()),
                Native.address(arguments.out()),
                sequences,
                arguments.parameters());
        List<Piece> pieces = pieces(sequences, arguments.parameters());
        workers.run(pieces.size(), (index, scratch) -> {
            Piece piece = pieces.get(index);
            new AttentionPiece(operands, piece.sequence(), piece.kvHead(), piece.firstRow(), piece.endRow(), scratch)
                    .run();
        });
    }

    private List<Piece> pieces(HostSequences sequences, Parameters parameters) {
        KvCacheLayout layout = parameters.layout();
        int group = parameters.heads() / layout.kvHeads();
        int heads = Math.max(1, sequences.count() * layout.kvHeads());
        int runsWanted = Math.ceilDiv(2 * workers.threads(), heads);
        List<Piece> pieces = new ArrayList<>();
        for (int sequence = 0; sequence < sequences.count(); sequence++) {
            int rows = (sequences.queryStart(sequence + 1) - sequences.queryStart(sequence)) * group;
            int run = Math.clamp(Math.ceilDiv(rows, runsWanted), MicroKernel.ROWS, MAX_ROWS);
            for (int kvHead = 0; kvHead < layout.kvHeads(); kvHead++) {
                for (int row = 0; row < rows; row += run) {
                    pieces.add(new Piece(sequence, kvHead, row, Math.min(row + run, rows)));
                }
            }
        }
        return pieces;
    }
}
