package io.octavo.kernels.quantization;

import java.util.List;
import java.util.stream.IntStream;

/** Arguments of several inputs at once, whose rows lie below each other. */
public interface InputBatch<A> {

    /** At least 1. */
    int inputs();

    /** Those of one input. */
    A part(int input, int inputs);

    /** Those of each input. */
    default List<A> byInput() {
        int inputs = inputs();
        return IntStream.range(0, inputs).mapToObj(i -> part(i, inputs)).toList();
    }
}
