package PVE::DataCenterConfig;

use v5.36;

1;

__END__

=head1 NAME

PVE::DataCenterConfig - an empty package

=head1 DESCRIPTION

Part of Tenon's compat layer. Plugins that load the module find it; it has no functions here.

=cut
