package io.octavo.api.scheme;

import io.octavo.jobs.spec.SchemeCatalog;
import io.octavo.jobs.spec.SchemeInfo;
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

    @GetMapping
    Schemes list() {
        return new Schemes(catalog.schemes(), catalog.layouts());
    }

    record Schemes(List<SchemeInfo> items, List<String> layouts) {}
}
