package io.octavo.engine.scheme;

/** The number type of a stored scale. */
public enum ScaleType {
    /** The model's own type, or F32. */
    FLOAT,
    /** 8-bit float, relative to one scale of the whole tensor (NVFP4). */
    E4M3,
    /** A power of two, stored as its exponent in 8 bits (MX formats). */
    E8M0
}
