package dev.tenon.web;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.tenon");

    @Test
    void thePageKnowsTheHostAndNoTypeOfStorage() {
        classes()
                .that()
                .resideInAPackage("dev.tenon.web..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "dev.tenon.web..",
                        "dev.tenon.host..",
                        "dev.tenon.bridge.serve..",
                        "dev.tenon.core.spi..",
                        "dev.tenon.core.service..",
                        "dev.tenon.core.config..",
                        "dev.tenon.core.decorator..",
                        "dev.tenon.core.compare..",
                        "dev.tenon.core.route..",
                        "dev.tenon.core.linux..",
                        "java..",
                        "javax.crypto..",
                        "com.fasterxml.jackson.jr..",
                        "org.slf4j..",
                        "org.jspecify..")
                .check(CLASSES);
    }

    @Test
    void whatIsBelowThePageDoesNotKnowIt() {
        noClasses()
                .that()
                .resideInAnyPackage("dev.tenon.proto..", "dev.tenon.core..", "dev.tenon.bridge..", "dev.tenon.host..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.tenon.web..")
                .check(CLASSES);
    }
}
