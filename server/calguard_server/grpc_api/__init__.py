"""The gRPC face: requests are validated in full, handed to a use case, and its answer is put into the contract's words.

Every error leaves by one door, the interceptor, and gets its status from one table (`errors`).
"""
