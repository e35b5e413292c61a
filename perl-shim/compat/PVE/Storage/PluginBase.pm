package PVE::Storage::PluginBase;

use v5.36;

# Makes this name another one of its own.
use PVE::Storage::Plugin;

1;

__END__

=head1 NAME

PVE::Storage::PluginBase - the proposed name of the base class

=head1 SYNOPSIS

    package PVE::Storage::Custom::MyPlugin;

    use base qw(PVE::Storage::PluginBase);

=head1 DESCRIPTION

Part of Tenon's compat layer. PVE has only L<PVE::Storage::Plugin>; this name was proposed for a
documented base class and never merged. Here it is another name of the same class.

=cut
