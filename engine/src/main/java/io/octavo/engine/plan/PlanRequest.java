package io.octavo.engine.plan;

import io.octavo.engine.request.SchemeOverride;
import java.util.List;

/**
 * @param scheme preset name, such as {@code FP8_DYNAMIC}
 * @param layout how it would be written, such as {@code compressed-tensors}
 * @param ignore modules to leave alone beside the defaults: exact names or {@code re:<regex>}
 * @param overrides modules that get other schemes
 */
public record PlanRequest(String scheme, String layout, List<String> ignore, List<SchemeOverride> overrides) {

    public PlanRequest {
        ignore = List.copyOf(ignore);
        overrides = List.copyOf(overrides);
    }

    /** One scheme for everything. */
    public PlanRequest(String scheme, String layout, List<String> ignore) {
        this(scheme, layout, ignore, List.of());
    }
}
