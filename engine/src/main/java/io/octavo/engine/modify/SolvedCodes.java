package io.octavo.engine.modify;

import java.lang.foreign.MemorySegment;

/**
 * What a solver or a search found for one module, in the form that rounding leaves it in: written as it is, whatever the layout.
 *
 * <p>Borrowed until the artifact was verified, and read by several threads: arrays, memory of a shared arena, or a mapped
 * scratch file. With {@code ModuleOutputs} of the module at hand, sizes are
 *
 * @param codes {@code [outFeatures, codeFormat.rowBytes(inFeatures)]} bytes, as {@code QuantizeTiles} makes them
 * @param scales {@code [scaleRows, scaleColumns]} in {@code scaleType}, little-endian; one number for a scale per tensor
 * @param zeroPoints {@code [scaleRows, scaleColumns]} I8 in the codes' numbering; of no size for symmetric codes
 * @param globalDivisor of NVFP4, by which the scales must still be divided; 1 for others. Modules that loaders fuse have one
 * @param nearest whether every code is the nearest to its number with the scale that is here, so that verification may hold
 *     it against that; a solver that moves errors from one number to others says no
 */
public record SolvedCodes(
        MemorySegment codes, MemorySegment scales, MemorySegment zeroPoints, float globalDivisor, boolean nearest) {

    /** What symmetric codes have for zero points. */
    public static MemorySegment noZeroPoints() {
        return MemorySegment.ofArray(new byte[0]);
    }
}
