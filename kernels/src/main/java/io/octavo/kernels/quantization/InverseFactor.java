package io.octavo.kernels.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.DType;
import java.util.Set;

/**
 * Factors inverses, as GPTQ needs them of its Hessians.
 *
 * <p>With {@code h = r r^T}, {@code r} upper triangular, {@code h^-1 = (r^-1)^T r^-1}: the upper Cholesky factor of the inverse
 * is {@code r^-1}, for one factorization and one inversion of a triangle.
 */
public interface InverseFactor {

    /**
     * Makes every {@code h} the upper triangular {@code u} with {@code h^-1 = u^T u}. What lies below diagonals is neither read
     * nor written.
     *
     * @param matrices {@code [count * n, n]} F32: {@code count} symmetric, positive definite matrices
     * @param failures {@code [1, count]} I32, receives 0, or 1 + the first column, from the last one on, whose pivot was not
     *     positive; that matrix is then unspecified
     */
    void factor(Matrix matrices, Matrix failures, Stream stream);

    /**
     * Copies an upper triangular matrix, of which what lies below the diagonal is not read, with zeros in its place.
     *
     * @param u {@code [n, n]} F32
     * @param transposed whether {@code out} becomes the transpose, lower triangular
     * @param out receives {@code [n, n]} F32; none of {@code u}
     */
    void triangle(Matrix u, boolean transposed, Matrix out, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void checkTriangle(Matrix u, Matrix out) {
        Operands.requireF32("u", u);
        Operands.requireIntColumns("u", u);
        Operands.requireShape("u", u, u.columns(), u.columns());
        Operands.requireF32("out", out);
        Operands.requireShape("out", out, u.rows(), u.columns());
    }

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix matrices, Matrix failures) {
        Operands.requireF32("matrices", matrices);
        Operands.requireIntColumns("matrices", matrices);
        Operands.requireType("failures", failures, Set.of(DType.I32));
        Operands.requireIntColumns("failures", failures);
        Operands.requireShape("failures", failures, 1, failures.columns());
        Operands.requireShape("matrices", matrices, failures.columns() * matrices.columns(), matrices.columns());
    }
}
