package dev.tenon.libvirt;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
    @Test
    void theModuleKnowsStoragesAndNoTypeOfThem() {
        classes()
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "dev.tenon.libvirt..",
                        "dev.tenon.core.spi..",
                        "dev.tenon.core.service..",
                        "dev.tenon.core.linux..",
                        "dev.tenon.core.failure..",
                        "dev.tenon.core.xml..",
                        "java..",
                        "javax.xml..",
                        "org.w3c.dom..",
                        "org.xml.sax..",
                        "org.slf4j..",
                        "org.jspecify..")
                .check(new ClassFileImporter()
                        .withImportOption(new ImportOption.DoNotIncludeTests())
                        .importPackages("dev.tenon.libvirt"));
    }
}
