package io.octavo.api.scheme;

import io.octavo.jobs.spec.SchemeCatalog;
import io.octavo.jobs.spec.SchemeInfo;
import io.swagger.v3.oas.annotations.Operation;
import java.util.List;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/schemes")
class SchemeController {

    private final SchemeCatalog catalog;

    SchemeController(SchemeCatalog catalog) {
        this.catalog = catalog;
    }

    @Operation(operationId = "listSchemes", summary = "Lists the schemes and layouts that can be asked for")
    @GetMapping
    Schemes list() {
        return new Schemes(catalog.schemes(), catalog.layouts());
    }

    record Schemes(List<SchemeInfo> items, List<String> layouts) {}
}
