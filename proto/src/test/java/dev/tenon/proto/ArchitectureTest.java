package dev.tenon.proto;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.tenon.proto");

    @Test
    void theContractUsesNothingButTheJdkMessagePackAndAJsonReader() {
        classes()
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "dev.tenon.proto", "java..", "org.msgpack..", "com.fasterxml.jackson.jr..", "org.jspecify..")
                .check(CLASSES);
    }
}
