package io.octavo.engine.plan;

import java.util.List;

/**
 * @param scheme preset name, such as {@code FP8_DYNAMIC}
 * @param layout how it would be written, such as {@code compressed-tensors}
 * @param ignore modules to leave alone beside the defaults: exact names or {@code re:<regex>}
 */
public record PlanRequest(String scheme, String layout, List<String> ignore) {

    public PlanRequest {
        ignore = List.copyOf(ignore);
    }
}
