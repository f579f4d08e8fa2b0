package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.attention.Rope;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.operand.Operands;

final class ScalarRope implements Rope {

    @Override
    public void rotate(Matrix x, Matrix positions, Matrix cos, Matrix sin, int headDim, Stream stream) {
        HostStream.require(stream);
        Rope.check(x, positions, cos, sin, headDim);
        HostMatrix values = HostMatrix.of(x);
        HostMatrix position = HostMatrix.of(positions);
        HostMatrix cosines = HostMatrix.of(cos);
        HostMatrix sines = HostMatrix.of(sin);
        int half = (int) cos.columns();
        for (long token = 0; token < x.rows(); token++) {
            int at = Operands.requireIndex("position", position.getInt(0, token), cos.rows());
            for (long head = 0; head < x.columns(); head += headDim) {
                for (int i = 0; i < half; i++) {
                    float first = values.get(token, head + i);
                    float second = values.get(token, head + half + i);
                    float c = cosines.get(at, i);
                    float s = sines.get(at, i);
                    values.set(token, head + i, first * c - second * s);
                    values.set(token, head + half + i, second * c + first * s);
                }
            }
        }
    }
}
