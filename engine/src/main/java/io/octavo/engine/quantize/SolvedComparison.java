package io.octavo.engine.quantize;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.modify.SolvedCodes;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** Whether what was written for a module is what was solved for it, to the last bit. */
record SolvedComparison(Quantize action, SolvedCodes solved, Checkpoint artifact, QuantizedWeight stored) {

    /** @return what differs first */
    Optional<String> difference() {
        ModuleOutputs outputs = action.layout();
        long tileRows = outputs.tile().rows();
        long scaleRowBytes = outputs.scaleColumns() * outputs.scaleType().bytes();
        return differs("codes", solved.codes(), bytes(outputs.codes().name()), outputs.codeRowBytes(), 1)
                .or(() -> differs(
                        "scales", solved.scales(), bytes(outputs.scales().name()), scaleRowBytes, tileRows))
                .or(() -> outputs.hasZeroPoints() ? zeroPoints(outputs) : Optional.empty())
                .or(() -> outputs.hasGlobalScale() ? globalScale(outputs) : Optional.empty());
    }

    private MemorySegment bytes(String tensor) {
        return artifact.tensor(tensor).segment();
    }

    /** They are packed in the file; the reader that everyone uses takes them apart. */
    private Optional<String> zeroPoints(ModuleOutputs outputs) {
        byte[] read = new byte[Math.toIntExact(solved.zeroPoints().byteSize())];
        stored.readZeroPoints(0, outputs.outFeatures(), read);
        return differs("zero points", solved.zeroPoints(), MemorySegment.ofArray(read), outputs.scaleColumns(), 1);
    }

    private Optional<String> globalScale(ModuleOutputs outputs) {
        Tensor divisor = artifact.tensor(outputs.globalScale().name());
        return divisor.segment().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0) == solved.globalDivisor()
                ? Optional.empty()
                : Optional.of("module " + action.module() + ": its global scale is not the one that was solved");
    }

    private Optional<String> differs(
            String what, MemorySegment one, MemorySegment other, long rowBytes, long tileRows) {
        long at = one.mismatch(other);
        return at < 0
                ? Optional.empty()
                : Optional.of("module " + action.module() + ", row " + at / rowBytes * tileRows + ": its " + what
                        + " are not those that were solved");
    }
}
