package io.octavo.engine.solve.scale;

import java.util.Arrays;

/**
 * What data showed of a Linear's inputs, which tells how much errors of its weight cost. Arrays are borrowed, and are not to be
 * changed while this is used.
 */
public final class InputMoments {

    /** Columns of a block: those that share a scale of NVFP4. */
    public static final int BLOCK = 16;

    private final float[] squares;
    private final float[] blocks;

    private InputMoments(float[] squares, float[] blocks) {
        this.squares = squares;
        this.blocks = blocks;
    }

    /** @param squares E[x²] of each input channel, {@code [inFeatures]}, at least 0 */
    public static InputMoments of(float[] squares) {
        return new InputMoments(squares, new float[0]);
    }

    /** Every channel alike: the error of the weight itself. */
    public static InputMoments alike(int inFeatures) {
        float[] squares = new float[inFeatures];
        Arrays.fill(squares, 1);
        return of(squares);
    }

    /** Of the products it keeps what lies in blocks on the diagonal, {@code [inFeatures / 16, 16, 16]}.
     *
     * @param products E[x xᵀ], {@code [inFeatures, inFeatures]}, symmetric */
    public static InputMoments ofProducts(float[] products, int inFeatures) {
        float[] squares = new float[inFeatures];
        float[] blocks = new float[inFeatures / BLOCK * BLOCK * BLOCK];
        for (int row = 0; row < inFeatures; row++) {
            squares[row] = products[row * inFeatures + row];
            if (row < inFeatures / BLOCK * BLOCK) {
                int left = row / BLOCK * BLOCK;
                System.arraycopy(products, row * inFeatures + left, blocks, row * BLOCK, BLOCK);
            }
        }
        return new InputMoments(squares, blocks);
    }

    float[] squares() {
        return squares;
    }

    /** E[x²] of so many channels, or E[x xᵀ] where they are a block of which that is known. */
    float[] of(int first, int count) {
        boolean known = blocks.length > 0 && count == BLOCK && first % BLOCK == 0;
        return known
                ? Arrays.copyOfRange(blocks, first * BLOCK, (first + BLOCK) * BLOCK)
                : Arrays.copyOfRange(squares, first, first + count);
    }
}
